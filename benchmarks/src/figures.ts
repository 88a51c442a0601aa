import type { Case, Figure, Target } from './benchmark-case.ts';

/** Which share a case has of what a limit permits, if each unit of its work needs `perUnit` of the limit's. */
export function shareOf(of: Case, limit: Case, perUnit: number, name: string, target?: Target): Figure {
  return {
    name,
    kind: 'share',
    of,
    against: [limit],
    target,
    value: ({ rate }, [against]) => (rate * perUnit) / (against?.rate as number),
  };
}

/** How many times the work per second of another case. */
export function timesRate(of: Case, other: Case, name: string, target?: Target): Figure {
  return {
    name,
    kind: 'times',
    of,
    against: [other],
    target,
    value: ({ rate }, [against]) => rate / (against?.rate as number),
  };
}

/** How many times the time for one unit of work of another case. */
export function costOf(of: Case, other: Case, name: string, target?: Target): Figure {
  return {
    name,
    kind: 'times',
    of,
    against: [other],
    target,
    value: ({ rate }, [against]) => (against?.rate as number) / rate,
  };
}

/** How many times the seconds of the slowest of other cases. */
export function timesSlowest(of: Case, others: readonly Case[], name: string, target?: Target): Figure {
  return {
    name,
    kind: 'times',
    of,
    against: others,
    target,
    value: ({ seconds }, against) => seconds / Math.max(...against.map((other) => other.seconds)),
  };
}

/** What more threads give to a case, against what they give to a limit in the same round. */
export function scalingOf(of: Case, one: Case, limit: Case, limitOfOne: Case, name: string, target?: Target): Figure {
  return {
    name,
    kind: 'times',
    of,
    against: [one, limit, limitOfOne],
    target,
    value: ({ rate }, [a, b, c]) => rate / (a?.rate as number) / ((b?.rate as number) / (c?.rate as number)),
  };
}

/** The work per second itself. */
export function rateOf(of: Case, target?: Target): Figure {
  return { name: 'rate', kind: 'rate', of, against: [], target, value: ({ rate }) => rate };
}

/** The time itself. */
export function secondsOf(of: Case, target?: Target): Figure {
  return { name: 'time', kind: 'seconds', of, against: [], target, value: ({ seconds }) => seconds };
}

/** The most memory that its process held. */
export function peakOf(of: Case, target?: Target): Figure {
  return {
    name: 'peak memory',
    kind: 'bytes',
    of,
    against: [],
    target,
    value: ({ peakBytes }) => peakBytes ?? Number.NaN,
  };
}
