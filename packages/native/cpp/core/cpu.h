// The one place that knows which instruction sets this binary holds and which of them this processor can run.
#pragma once

#include <string>
#include <vector>

#include "environment_loops.h"
#include "kernel_tiles.h"
#include "machine_loops.h"
#include "projection_loops.h"

namespace surprisal {

enum class Isa { baseline, neon, avx2, avx512 };

const char* isa_name(Isa isa);

/// Sets that can run here, best first; never empty.
const std::vector<Isa>& available_isas();

/// The set in use: the best one, or the one that the environment variable SURPRISAL_ISA named at the first call.
/// Throws Error INVALID_ARGUMENT if that one does not exist or cannot run here.
Isa selected_isa();

/// The loops of one instruction set. It must be one of available_isas().
const KernelTiles& kernel_tiles(Isa isa);
const EnvironmentLoops& environment_loops(Isa isa);
const MachineLoops& machine_loops(Isa isa);
const ProjectionLoops& projection_loops(Isa isa);

}  // namespace surprisal
