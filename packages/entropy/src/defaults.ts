/**
 * Bandwidth h of the kernel, 1/Å.
 *
 * @see Schwalbe-Koda et al., Nat. Commun. 16, 4014 (2025), Methods
 */
export const DEFAULT_BANDWIDTH = 0.015;

/** Threshold ε of δH, nats: above it an environment is new. A little above 0, the δH of an environment seen once. */
export const DEFAULT_EPSILON = 1e-5;
