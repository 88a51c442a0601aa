import type { Subject } from './benchmark-case.ts';
import type { CELLS_OF_SIZE } from './inputs/rattled-copper.ts';
import type { Scale, Setting } from './setting.ts';
import { entropySubject, startSubject, streamSubject } from './subjects/commands.ts';
import { descriptorSubject } from './subjects/descriptors.ts';
import { kernelSubject } from './subjects/kernels.ts';
import { machineSubject } from './subjects/machine.ts';
import { pruningSubject } from './subjects/pruning.ts';
import { readingSubject } from './subjects/reading.ts';

/** A subject that is not made yet: its inputs take time and room. */
export interface SubjectPlan {
  readonly name: string;
  /** The smallest scale at which it takes part. */
  readonly from: Scale;
  /** About how long it takes on two cores that do 5.9e10 float32 multiply-adds per second each. */
  readonly minutes: Readonly<Record<'quick' | 'full', number>>;
  make(setting: Setting): Subject | Promise<Subject>;
}

/** All subjects, in the order in which they are measured. */
const SUBJECTS: readonly SubjectPlan[] = [
  { name: 'machine', from: 'once', minutes: { quick: 0.3, full: 0.5 }, make: machineSubject },
  { name: 'kernels', from: 'once', minutes: { quick: 0.6, full: 1 }, make: kernelSubject },
  { name: 'pruning', from: 'once', minutes: { quick: 0.3, full: 0.3 }, make: pruningSubject },
  { name: 'descriptors', from: 'once', minutes: { quick: 0.6, full: 3 }, make: descriptorSubject },
  { name: 'reading', from: 'once', minutes: { quick: 0.5, full: 0.5 }, make: readingSubject },
  { name: 'start', from: 'once', minutes: { quick: 0.1, full: 0.1 }, make: startSubject },
  entropyPlan('entropy-1e4', 'once', 'tenThousand', 0.1),
  entropyPlan('entropy-1e5', 'quick', 'hundredThousand', 0.5),
  { name: 'stream', from: 'once', minutes: { quick: 1, full: 8 }, make: streamSubject },
  entropyPlan('entropy-1e6', 'full', 'million', 7),
];

function entropyPlan(name: string, from: Scale, size: keyof typeof CELLS_OF_SIZE, minutes: number): SubjectPlan {
  return {
    name,
    from,
    minutes: { quick: minutes, full: minutes },
    make: (setting) => entropySubject(setting, name, size),
  };
}

const SCALES: readonly Scale[] = ['once', 'quick', 'full'];

/**
 * The subjects of a scale whose names match a pattern; with no pattern all of them.
 *
 * @throws {Error} if none matches
 */
export function plannedSubjects(scale: Scale, only: string | undefined): SubjectPlan[] {
  const pattern = only === undefined ? undefined : new RegExp(only, 'i');
  const plans = SUBJECTS.filter(
    ({ name, from }) => SCALES.indexOf(from) <= SCALES.indexOf(scale) && (pattern?.test(name) ?? true),
  );
  if (plans.length === 0) {
    const names = SUBJECTS.map(({ name, from }) => (from === 'full' ? `${name} (with --full)` : name)).join(', ');
    throw new Error(`no subject matches "${only}"; there are ${names}`);
  }
  return plans;
}
