/**
 * Adds the mean of a sorted row over every way to choose some of its candidates.
 *
 *     row_m += chance · Σ_p value_p · P(p is in the row, and exactly m − 1 of those before p are)
 *
 * Going down the candidates from the largest, the number q of tied ones met so far that were drawn is hypergeometric: with
 * b met, t in all and s to be drawn, the next is drawn with probability (s − q)/(t − b). That recurrence needs no binomial
 * coefficients, so nothing overflows or cancels.
 *
 * @param certain  values that are always in the row, largest first
 * @param tied     (t) values of which some are, largest first
 * @param drawn    s, how many of the tied ones are in the row
 * @param chance   weight of the whole row
 * @param row      (certain + s) the sums
 */
export function addExpectedRow(
  certain: Float64Array,
  tied: Float64Array,
  drawn: number,
  chance: number,
  row: Float64Array,
): void {
  // chances[q]: q of the tied values met so far are in the row.
  const chances = new Float64Array(drawn + 1);
  chances[0] = chance;
  let sure = 0;
  let met = 0;
  while (sure < certain.length || met < tied.length) {
    if (met === tied.length || (certain[sure] as number) >= (tied[met] as number)) {
      const value = certain[sure] as number;
      for (let q = 0; q <= Math.min(met, drawn); q++) row[sure + q]! += (chances[q] as number) * value;
      sure++;
    } else {
      const value = tied[met] as number;
      const left = tied.length - met;
      for (let q = Math.min(met, drawn); q >= 0; q--) {
        const isDrawn = (chances[q] as number) * ((drawn - q) / left);
        chances[q]! *= (left - drawn + q) / left;
        if (q === drawn) continue;
        chances[q + 1]! += isDrawn;
        row[sure + q]! += isDrawn * value;
      }
      met++;
    }
  }
}
