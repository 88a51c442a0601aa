// Checks of plain arguments, and the frame in which every function of the addon runs.
#pragma once

#include <napi.h>

#include <cmath>
#include <new>
#include <stdexcept>
#include <string>

#include "job.h"
#include "typed_arrays.h"

namespace surprisal {

inline double number(const Napi::Value& value, const char* what) {
  if (!value.IsNumber()) refuse(value.Env(), std::string(what) + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

inline std::size_t whole_number(const Napi::Value& value, const char* what, double least, double most) {
  const double x = number(value, what);
  if (!(x >= least && x <= most) || x != std::floor(x)) {
    refuse(value.Env(), std::string(what) + " must be a whole number from " + std::to_string(static_cast<long>(least)) +
                            " to " + std::to_string(static_cast<long>(most)));
  }
  return static_cast<std::size_t>(x);
}

inline double length_in_angstrom(const Napi::Value& value, const char* what) {
  const double x = number(value, what);
  if (!(x > 0) || !(x <= 1e6)) refuse(value.Env(), std::string(what) + " must be above 0 and at most 1e6");
  return x;
}

inline unsigned thread_count(const Napi::Value& value) {
  return static_cast<unsigned>(whole_number(value, "threads", 1, 1024));
}

/// Calls a function whose core errors become JavaScript errors with a code.
template <typename Function>
Napi::Value guard(const Napi::CallbackInfo& info, const Function& function) {
  try {
    return function(info);
  } catch (const Error& error) {
    throw coded_error(info.Env(), error.code(), error.what());
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw coded_error(info.Env(), "OUT_OF_MEMORY", "there is not enough memory for the input of this call");
  } catch (const std::exception& error) {
    throw coded_error(info.Env(), "OUT_OF_MEMORY", std::string("the input of this call cannot be held: ") + error.what());
  }
}

/// The same of a function that is known when this is compiled.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  return guard(info, function);
}

}  // namespace surprisal
