/**
 * The processes over which an analysis is spread, as far as the analysis needs to know: who am I, how many are we, and
 * one collective. Every rank runs the same text; a serial communicator stands in where there is one process.
 *
 * Collectives are called by every rank, in the same order.
 */
export interface Communicator {
  /** 0 … size − 1. */
  readonly rank: number;
  readonly size: number;
  /** Every rank's values, concatenated in the order of the ranks; lengths may differ between ranks. */
  allGather(values: Float64Array): Promise<Float64Array>;
}

/** One process: rank 0 of 1. */
export const serialCommunicator: Communicator = {
  rank: 0,
  size: 1,
  allGather: (values) => Promise.resolve(values),
};
