const GAP = '  ';

/**
 * Rows of cells as aligned text, two spaces between columns, one line for each row.
 *
 * @param numeric  the columns that are aligned at their right
 */
export function alignColumns(rows: readonly (readonly string[])[], numeric: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      // A cell that ends its row may be of any length: nothing has to line up behind it.
      const spans = column === row.length - 1 && column > 0 && !numeric.includes(column);
      if (!spans) widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return numeric.includes(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join(GAP)
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
