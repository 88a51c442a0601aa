// What each file of the addon adds to it.
#pragma once

#include <napi.h>

namespace surprisal {

void export_kernel_sum(Napi::Env env, Napi::Object exports);
void export_large_buffers(Napi::Env env, Napi::Object exports);
void export_machine(Napi::Env env, Napi::Object exports);
void export_rows(Napi::Env env, Napi::Object exports);
void export_structures(Napi::Env env, Napi::Object exports);

}  // namespace surprisal
