/**
 * Bandwidth h of the kernel, 1/Å.
 *
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), Methods
 */
export const DEFAULT_BANDWIDTH = 0.015;

/** Threshold ε of δH, nats: above it an environment is new. A little above 0, the δH of an environment seen once. */
export const DEFAULT_EPSILON = 1e-5;

/** ln n − H, nats, below which a set counts as undersampled; see `undersampled` for what it was calibrated on. */
export const DEFAULT_UNDERSAMPLED = 0.5;

/** Shares of a data set of which a learning curve is made. */
export const DEFAULT_FRACTIONS: readonly number[] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** Subsets for each share of a learning curve. */
export const DEFAULT_REPEATS = 3;

/** Seed of everything random. */
export const DEFAULT_SEED = 0;

/** Random directions of a sliced Wasserstein distance: its standard error is then about 7 % of it or less. */
export const DEFAULT_PROJECTIONS = 128;
