#include "cpu.h"

#include <cstdlib>

#include "task.h"

namespace surprisal {

// Defined by the files that are compiled for one instruction set each.
#if defined(__aarch64__)
extern const KernelTiles kernel_tiles_neon;
extern const EnvironmentLoops environment_loops_neon;
extern const MachineLoops machine_loops_neon;
#else
#if defined(__x86_64__)
extern const KernelTiles kernel_tiles_avx512, kernel_tiles_avx2;
extern const EnvironmentLoops environment_loops_avx512, environment_loops_avx2;
extern const MachineLoops machine_loops_avx512, machine_loops_avx2;
#endif
extern const KernelTiles kernel_tiles_baseline;
extern const EnvironmentLoops environment_loops_baseline;
extern const MachineLoops machine_loops_baseline;
#endif

namespace {

std::vector<Isa> detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  std::vector<Isa> isas;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (avx512) isas.push_back(Isa::avx512);
  if (avx2) isas.push_back(Isa::avx2);
  isas.push_back(Isa::baseline);
  return isas;
#elif defined(__aarch64__)
  return {Isa::neon};
#else
  return {Isa::baseline};
#endif
}

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::avx512: return "avx512";
    case Isa::avx2: return "avx2";
    case Isa::neon: return "neon";
    case Isa::baseline: return "baseline";
  }
  return "unknown";
}

const std::vector<Isa>& available_isas() {
  static const std::vector<Isa> isas = detect();
  return isas;
}

namespace {

Isa choose_isa() {
  const char* const wanted = std::getenv("SURPRISAL_ISA");
  if (wanted == nullptr || *wanted == '\0') return available_isas().front();
  std::string names;
  for (const Isa isa : available_isas()) {
    if (std::string(wanted) == isa_name(isa)) return isa;
    names += std::string(names.empty() ? "" : ", ") + isa_name(isa);
  }
  throw Error("INVALID_ARGUMENT",
              "SURPRISAL_ISA is \"" + std::string(wanted) + "\"; this binary and processor can run: " + names);
}

}  // namespace

Isa selected_isa() {
  // Chosen once: the environment may change later, and reading it then from other threads would be a race.
  static const Isa isa = choose_isa();
  return isa;
}

const KernelTiles& kernel_tiles(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return kernel_tiles_avx512;
  if (isa == Isa::avx2) return kernel_tiles_avx2;
#endif
  static_cast<void>(isa);
#if defined(__aarch64__)
  return kernel_tiles_neon;
#else
  return kernel_tiles_baseline;
#endif
}

const EnvironmentLoops& environment_loops(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return environment_loops_avx512;
  if (isa == Isa::avx2) return environment_loops_avx2;
#endif
  static_cast<void>(isa);
#if defined(__aarch64__)
  return environment_loops_neon;
#else
  return environment_loops_baseline;
#endif
}

const MachineLoops& machine_loops(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return machine_loops_avx512;
  if (isa == Isa::avx2) return machine_loops_avx2;
#endif
  static_cast<void>(isa);
#if defined(__aarch64__)
  return machine_loops_neon;
#else
  return machine_loops_baseline;
#endif
}

}  // namespace surprisal
