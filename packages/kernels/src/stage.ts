/** How kernel sums are called in reports of progress. */
export const STAGE = 'kernel sums';
/** What progress of kernel sums counts. */
export const UNIT = 'environments';
