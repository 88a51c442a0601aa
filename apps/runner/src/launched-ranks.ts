/** A launcher that started several processes of this command. */
export interface LaunchedRanks {
  readonly size: number;
  /** The environment variable that says so. */
  readonly variable: string;
}

/**
 * Where launchers say how many processes they started: Open MPI's mpirun; MPICH's, Intel MPI's and Slurm's PMI; every
 * Slurm step, whatever its plugin, PMIx included (a batch script that is no step does not set it).
 */
const VARIABLES = ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE', 'SLURM_STEP_NUM_TASKS'];

/** The launcher of this process, where it started more than one; undefined otherwise. */
export function launchedRanks(environment: NodeJS.ProcessEnv): LaunchedRanks | undefined {
  for (const variable of VARIABLES) {
    const size = Number(environment[variable]);
    if (Number.isInteger(size) && size > 1) return { size, variable };
  }
  return undefined;
}
