import { novelty, overlap as overlapOf } from '@surprisal/entropy';
import { alignColumns } from '../align-columns.ts';
import { formatReal, formatShare } from '../format-number.ts';
import { groupColumn } from '../grouped-results.ts';
import { prepareCommand } from '../prepare-command.ts';
import { publish } from '../publish.ts';
import type { OverlapDocument } from '../result-document.ts';
import type { Run } from '../run.ts';
import { aboutComparison, aboutMemory, aboutWork } from '../summary-lines.ts';
import { drain, streamSurprisals } from '../surprisal-stream.ts';
import { groupedSurprisals, groupOverlapLines } from '../surprisals-of-groups.ts';
import { TABLE_ENDINGS } from '../table-file.ts';

/** `surprisal overlap TEST... -r REF...`: the share of environments that the reference set knows. */
export async function overlap(run: Run, files: readonly string[]): Promise<void> {
  const { options } = run;
  const { eps } = options;
  const prepared = await prepareCommand(run, 'overlap', [files, options.reference], TABLE_ENDINGS);
  const compared = await streamSurprisals(run, prepared, { wantsStructures: false, take: drain });
  const { maps } = compared;
  const results = Array.from(groupedSurprisals(compared), ({ dH, ...of }) => ({
    ...of,
    overlap: overlapOf(dH, eps),
    novelty: novelty(dH, eps),
  }));
  const document: OverlapDocument = { ...compared.describe(), results, ...maps };
  const group = groupColumn(compared.groups !== null);
  await publish(run, document, {
    lines: () => [
      alignColumns([...aboutComparison(document), ...aboutWork(document), aboutMemory(document)]),
      alignColumns(
        [
          [...group.head, 'h (1/Å)', `overlap (δH ≤ ${formatReal(eps)})`, 'novelty'],
          ...results.map((result) => [
            ...group.cell(result.group),
            formatReal(result.bandwidth),
            formatShare(result.overlap),
            formatShare(result.novelty),
          ]),
        ],
        [0, 1, 2].map((column) => column + group.head.length),
      ),
      ...groupOverlapLines(maps, 'the reference', eps),
    ],
    table: () => ({
      columns: [
        { name: 'group', values: results.map((result) => result.group ?? 'all') },
        { name: 'bandwidth', values: results.map(({ bandwidth }) => bandwidth) },
        { name: 'overlap', values: results.map((result) => result.overlap) },
        { name: 'novelty', values: results.map((result) => result.novelty) },
      ],
    }),
  });
}
