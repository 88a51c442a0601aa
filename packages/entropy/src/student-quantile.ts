/** 97.5 % quantile of the normal distribution. */
export const NORMAL_QUANTILE = 1.959964;
/** That of Student's t for 1, 2 … 10 degrees of freedom. */
const STUDENT = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281];

/**
 * 97.5 % quantile of Student's t; beyond the table by the expansion of Cornish and Fisher (to 1e-4).
 *
 * @param freedom  degrees of freedom, from 1 on; a fraction counts as the whole number below it
 */
export function studentQuantile(freedom: number): number {
  const tabulated = STUDENT[Math.floor(freedom) - 1];
  if (tabulated !== undefined) return tabulated;
  const z = NORMAL_QUANTILE;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}
