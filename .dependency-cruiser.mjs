/**
 * The direction of imports. A package may import packages of lower floors, through their entry points, and nothing else
 * of ours; the packages below the line run in browsers too, so nothing of Node may reach them.
 */

/** @type {Record<string, number>} */
const FLOORS = {
  'packages/core': 0,
  'packages/native': 0,
  'packages/io': 1,
  'packages/neighbors': 1,
  'packages/kernels': 1,
  'packages/descriptors': 2,
  'packages/entropy': 2,
  'packages/testing': 4,
  'apps/runner': 6,
};

const BROWSER_SAFE = '^packages/(core|neighbors|kernels|descriptors|entropy)/src/';
const ENTRY_POINTS = '^(packages|apps)/[^/]+/(src|dist)/(node/)?index\\.(ts|js|d\\.ts)$';
/** The one file whose imports are bundled into it by the build, so that a development dependency is enough. */
const BUNDLED = '^packages/io/src/molstar-cif\\.ts$';

const floorRules = Object.entries(FLOORS).map(([room, floor]) => ({
  name: `floor-of-${room.slice(room.indexOf('/') + 1)}`,
  comment: `${room} is on floor ${floor}: it may import lower floors only.`,
  severity: 'error',
  from: { path: `^${room}/(src|bin)/` },
  to: {
    path: Object.keys(FLOORS)
      .filter((other) => other !== room && (FLOORS[other] ?? 0) >= floor)
      .map((other) => `^${other}/`),
  },
}));

export default {
  forbidden: [
    ...floorRules.filter(({ to }) => to.path.length > 0),
    {
      name: 'room-without-floor',
      comment: 'Every package has its floor in this file.',
      severity: 'error',
      from: {},
      to: { path: '^(packages|apps)/', pathNot: Object.keys(FLOORS).map((room) => `^${room}/`) },
    },
    {
      name: 'testing-imports-core-only',
      severity: 'error',
      from: { path: '^packages/testing/src/' },
      to: { path: '^(packages|apps)/', pathNot: ['^packages/testing/', '^packages/core/'] },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/(src|bin)/', pathNot: '^packages/testing/' },
      to: { path: '^packages/testing/' },
    },
    {
      name: 'nothing-above-the-apps',
      comment: 'Tests, benchmarks, examples and scripts stand on the packages, never the other way.',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/(src|bin)/' },
      to: { path: ['^(benchmarks|examples|scripts|tests)/', '^(packages|apps)/[^/]+/test/'] },
    },
    {
      name: 'entry-points-only',
      comment: 'What a package does not export is private.',
      severity: 'error',
      from: { path: '^(packages|apps)/([^/]+)/' },
      to: { path: '^(packages|apps)/(?!$2/)[^/]+/', pathNot: ENTRY_POINTS },
    },
    {
      name: 'entry-points-only-from-above',
      severity: 'error',
      from: { path: '^(benchmarks|examples|tests)/' },
      to: { path: '^(packages|apps)/', pathNot: [ENTRY_POINTS, '^(packages|apps)/[^/]+/package\\.json$'] },
    },
    {
      name: 'no-node-where-browsers-go',
      comment: 'core, neighbors, kernels, descriptors and entropy run in browsers.',
      severity: 'error',
      from: { path: BROWSER_SAFE },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-node-in-io-outside-its-node-entry',
      severity: 'error',
      from: { path: '^packages/io/src/', pathNot: '^packages/io/src/node/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'io-does-not-reach-its-node-entry',
      severity: 'error',
      from: { path: '^packages/io/src/', pathNot: '^packages/io/src/node/' },
      to: { path: '^packages/io/src/node/' },
    },
    {
      name: 'no-dependency-where-browsers-go',
      comment: 'These packages depend on nothing from outside; whoever changes that checks that it runs in browsers.',
      severity: 'error',
      from: { path: BROWSER_SAFE },
      to: { path: 'node_modules' },
    },
    {
      name: 'dependency-is-declared',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/(src|bin)/', pathNot: BUNDLED },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['npm', 'npm-peer'] },
    },
    {
      name: 'bundled-takes-molstar-alone',
      comment: 'What the build bundles into a package is no dependency of it; nothing else may come in that way.',
      severity: 'error',
      from: { path: BUNDLED },
      to: { pathNot: '(^|/)node_modules/molstar/lib/' },
    },
    {
      name: 'molstar-comes-in-bundled',
      severity: 'error',
      from: { path: '^(packages|apps)/', pathNot: [BUNDLED, '^packages/io/(test|scripts)/'] },
      to: { path: 'node_modules/molstar/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules'] },
    exclude: { path: '^(packages/[^/]+|apps/[^/]+|benchmarks)/(dist|prebuilds|build)/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@surprisal/source', 'import', 'types', 'node', 'default'],
      mainFields: ['module', 'main', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
