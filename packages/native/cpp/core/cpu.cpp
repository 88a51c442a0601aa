#include "cpu.h"

#include <cstdlib>

#include "task.h"

namespace surprisal {

// Defined by the files that are compiled for one instruction set each; and which of them an instruction set has.
#if defined(__x86_64__)
#define SURPRISAL_TABLE(Type, name)                          \
  extern const Type name##_avx512, name##_avx2, name##_baseline; \
  const Type& name(Isa isa) {                                \
    if (isa == Isa::avx512) return name##_avx512;            \
    return isa == Isa::avx2 ? name##_avx2 : name##_baseline; \
  }
#elif defined(__aarch64__)
#define SURPRISAL_TABLE(Type, name) \
  extern const Type name##_neon;    \
  const Type& name(Isa) { return name##_neon; }
#else
#define SURPRISAL_TABLE(Type, name)  \
  extern const Type name##_baseline; \
  const Type& name(Isa) { return name##_baseline; }
#endif

SURPRISAL_TABLE(KernelTiles, kernel_tiles)
SURPRISAL_TABLE(EnvironmentLoops, environment_loops)
SURPRISAL_TABLE(MachineLoops, machine_loops)
SURPRISAL_TABLE(ProjectionLoops, projection_loops)

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

}  // namespace surprisal
