/** How kernel sums are called in reports of progress. */
export const STAGE = 'kernel sums';
/** What progress of kernel sums counts. */
export const UNIT = 'environments';
/** How searches for nearest references are called in reports of progress. */
export const NEAREST_STAGE = 'nearest references';
