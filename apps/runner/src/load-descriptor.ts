import { stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  atomCount,
  checkDescriptor,
  checkDescriptorMatrix,
  checkDescriptorPart,
  type Descriptor,
  type DescriptorFactory,
  type ErrorCode,
  type OptionsSchema,
  type SchemaIssue,
  SurprisalError,
  throwIfAborted,
} from '@surprisal/core';
import { multicomponent, type QuestsOptions, type QuestsParts, quests } from '@surprisal/descriptors';
import { UsageError } from './usage-error.ts';

/** The descriptors that need no module, and the keys of their options beside k, cutoff and tie tolerance. */
const BUILT_IN = {
  quests: ['parts'],
  multicomponent: ['parts', 'species'],
} as const;

/** The name of a descriptor that needs no module. */
export type BuiltInDescriptor = keyof typeof BUILT_IN;

/** What the options of the command say about a built-in descriptor. */
export interface BuiltInSettings extends Pick<QuestsOptions, 'k' | 'cutoff' | 'tieTolerance'> {
  /** The species of all inputs, for `multicomponent` where its options name none. */
  readonly species?: readonly string[] | undefined;
}

/** What Node can load as a module, where it is new enough. */
const MODULE_ENDINGS = ['.mjs', '.js', '.cjs', '.mts', '.ts'];

/** A module that has not loaded by then waits for what will not come. */
const PATIENCE_MS = 30_000;

/** Whether `--descriptor` names a descriptor that needs no module. */
export function isBuiltInDescriptor(name: string): name is BuiltInDescriptor {
  return Object.hasOwn(BUILT_IN, name);
}

/**
 * A descriptor of `@surprisal/descriptors`.
 *
 * @param optionsJson  what stands behind `--descriptor-options`: `{"parts": "x1"}`, `{"species": ["Al", "Ti"]}`
 * @throws {UsageError} if the options are not JSON, have a key that the descriptor does not know, or make no sense
 */
export function builtInDescriptor(
  name: BuiltInDescriptor,
  { species: speciesOfInputs, ...settings }: BuiltInSettings,
  optionsJson?: string,
): Descriptor {
  const options = parseOptions(optionsJson);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new UsageError(
      `--descriptor-options of ${name} must be a JSON object, as {"parts":"x1"}, not ${optionsJson}`,
    );
  }
  const known: readonly string[] = BUILT_IN[name];
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new UsageError(`--descriptor-options: ${name} does not know "${key}"; it takes ${known.join(' and ')}`);
    }
  }
  const { parts, species = speciesOfInputs } = options as { parts?: QuestsParts; species?: readonly string[] };
  try {
    if (name === 'quests') return quests({ ...settings, parts });
    return multicomponent({ ...settings, parts, species: species ?? [] });
  } catch (error) {
    if (error instanceof SurprisalError) throw new UsageError(`--descriptor ${name}: ${error.message}`);
    throw error;
  }
}

/**
 * The descriptor that a module brings along: its default export, or what its default export makes of options.
 *
 * Running a module is running code, so this is for a path from the command line, and for nothing that a data file says. It is
 * always a path, from the working directory on; a name is never looked for among installed packages. What comes out checks
 * each matrix that the module computes.
 *
 * @param path         of a .mjs, .js or .cjs file, or of a .ts file where Node loads those
 * @param optionsJson  what stands behind `--descriptor-options`; undefined where that is not given
 * @returns a descriptor whose `compute` throws INVALID_DESCRIPTOR where the module throws or gives what it should not; an
 *   error of surprisal from within it keeps its code
 * @throws {UsageError} if there is no such module, it does not load, its default export is no descriptor, or it refuses the options
 *
 * @example
 * const density = await loadDescriptor('./radial-density.mjs', '{"cutoff": 4}');
 */
export async function loadDescriptor(path: string, optionsJson?: string): Promise<Descriptor> {
  const exported = await importDefault(path);
  if (!isFactory(exported)) {
    const descriptor = declared(path, 'the default export', exported);
    if (optionsJson !== undefined) {
      throw new UsageError(
        `${path} takes no options; leave --descriptor-options out, or let its default export be { options, create }`,
      );
    }
    return watched(path, descriptor);
  }
  const { options: schema, create } = checkFactory(path, exported);
  const options = await validated(path, schema, optionsJson);
  const made = await orUsageError(`${path}: create failed`, async () => create.call(exported, options));
  return watched(path, declared(path, 'what create gave', made));
}

async function importDefault(path: string): Promise<unknown> {
  await checkModulePath(path);
  const module: { default?: unknown } = await orUsageError(
    `${path} does not load as a module`,
    () => import(pathToFileURL(resolve(path)).href),
    // Node tells the place of such an error to nobody but its own check.
    (error) => (error instanceof SyntaxError ? ` (node --check ${path} shows where)` : ''),
  );
  if (module.default === undefined) {
    throw new UsageError(
      `${path} has no default export; write "export default" before the descriptor, or before { options, create }`,
    );
  }
  return module.default;
}

async function checkModulePath(path: string): Promise<void> {
  const builtIn = Object.keys(BUILT_IN).join(' and ');
  const file = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === 'ENOENT' || error.code === 'ENOTDIR'
        ? `--descriptor ${path}: there is no such file; ${builtIn} are built in, any other descriptor is a module given by its path, as ./mine.mjs`
        : `--descriptor ${path} cannot be read (${error.code ?? error.message})`,
    );
  });
  if (!file.isFile())
    throw new UsageError(`--descriptor ${path} is not a file; give the path of a module, as ./mine.mjs`);
  if (!MODULE_ENDINGS.includes(extname(path).toLowerCase())) {
    throw new UsageError(`--descriptor ${path} is not a module; its name must end in ${MODULE_ENDINGS.join(', ')}`);
  }
}

function isFactory(exported: unknown): exported is object {
  return typeof exported === 'object' && exported !== null && ('create' in exported || 'options' in exported);
}

function checkFactory(path: string, exported: object): DescriptorFactory {
  const { options, create } = exported as Partial<Record<keyof DescriptorFactory, unknown>>;
  if (typeof create !== 'function') {
    throw new UsageError(
      `${path}: the default export has options but no function create that makes a descriptor of them`,
    );
  }
  const standard = isSchemaLike(options) ? options['~standard'] : undefined;
  if (typeof standard !== 'object' || standard === null || !('validate' in standard && 'version' in standard)) {
    throw new UsageError(
      `${path}: the default export has create but no schema as options; a schema has the property ~standard (https://standardschema.dev), as those of valibot, zod and arktype have`,
    );
  }
  if (standard.version !== 1 || typeof standard.validate !== 'function') {
    throw new UsageError(
      `${path}: the schema of its options must be of version 1 of Standard Schema and have validate`,
    );
  }
  return exported as DescriptorFactory;
}

function isSchemaLike(value: unknown): value is { readonly '~standard'?: unknown } {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Options as the schema of a module takes them. */
async function validated(path: string, schema: OptionsSchema, optionsJson: string | undefined): Promise<unknown> {
  const given = parseOptions(optionsJson);
  const result = await orUsageError(`${path}: the schema of its options failed`, async () =>
    schema['~standard'].validate(given),
  );
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(describeIssue).join('; ');
  throw new UsageError(
    optionsJson === undefined
      ? `${path} needs --descriptor-options: ${issues}`
      : `--descriptor-options of ${path}: ${issues}`,
  );
}

function describeIssue({ message, path = [] }: SchemaIssue): string {
  const where = path
    .map((step) => (typeof step === 'object' ? step.key : step))
    .reduce<string>((before, key) => (typeof key === 'number' ? `${before}[${key}]` : `${before}.${String(key)}`), '')
    .replace(/^\./, '');
  return where === '' ? message : `${where}: ${message}`;
}

/** The options as they were written; an empty object where there are none. */
function parseOptions(json: string | undefined): unknown {
  if (json === undefined) return {};
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UsageError(
      `--descriptor-options is not JSON (${messageOf(error)}); write it as '{"name": 1.5, "other": "text"}'`,
    );
  }
}

function declared(path: string, what: string, value: unknown): Descriptor {
  try {
    return checkDescriptor(value);
  } catch (error) {
    throw new UsageError(`${path}: ${what} is not a descriptor: ${messageOf(error)}`);
  }
}

/** The descriptor, with an eye on everything that it computes. */
function watched(path: string, descriptor: Descriptor): Descriptor {
  const { name, columns, cutoff, parameters } = descriptor;
  const inParts = descriptor.computeParts?.bind(descriptor);
  return {
    ...(inParts && {
      async *computeParts(structure, rows, context = {}) {
        throwIfAborted(context.signal);
        try {
          let given = 0;
          for await (const part of inParts(structure, rows, context)) {
            const checked = checkDescriptorPart(part, { columns }, structure, rows, context.precision);
            given += checked.atoms.length;
            yield checked;
          }
          if (given === atomCount(structure)) return;
          throw new SurprisalError(
            'INVALID_DESCRIPTOR',
            `computeParts gave ${given} rows in all; it must give one for each of ${atomCount(structure)} atoms`,
          );
        } catch (error) {
          throw asOurs(path, name, error);
        }
      },
    }),
    name,
    columns,
    cutoff,
    parameters: { ...parameters },
    async compute(structures, context = {}) {
      throwIfAborted(context.signal);
      let matrix: unknown;
      try {
        matrix = await descriptor.compute(structures, context);
      } catch (error) {
        throw asOurs(path, name, error);
      }
      try {
        return checkDescriptorMatrix(matrix, { columns }, structures, context.precision);
      } catch (error) {
        throw asOurs(path, name, error);
      }
    },
  };
}

/**
 * An error from a module as one of this copy of surprisal: a module may have another copy of `@surprisal/core`, whose errors
 * are of another class.
 */
function asOurs(path: string, name: string, error: unknown): SurprisalError {
  const { name: kind, code, details } = Object(error) as { name?: unknown; code?: unknown; details?: object };
  const known = kind === 'SurprisalError' && typeof code === 'string' && code !== 'INVALID_DESCRIPTOR';
  // What is wrong with a structure or an argument is not the module's doing, and says so in its own words.
  return new SurprisalError(
    known ? (code as ErrorCode) : 'INVALID_DESCRIPTOR',
    known ? messageOf(error) : `the descriptor ${name} of ${path} failed: ${messageOf(error)}`,
    { cause: error, ...(details && { details: { ...details } }) },
  );
}

/** What comes of some code of a module; what it throws in words, and an end where it never comes back. */
async function orUsageError<T>(what: string, work: () => Promise<T>, hint = (_error: unknown) => ''): Promise<T> {
  const done = new AbortController();
  const tooLate = setTimeout(PATIENCE_MS, undefined, { signal: done.signal }).then(() => {
    throw new Error(`nothing came of it within ${PATIENCE_MS / 1000} s`);
  });
  try {
    return await Promise.race([work(), tooLate]);
  } catch (error) {
    throw new UsageError(`${what}: ${messageOf(error)}${hint(error)}`);
  } finally {
    done.abort();
  }
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? `${nameOf(error)}${error.message}` : String(error);
  return text.split('\n', 1)[0] as string;
}

/** The kind of an error where that says more than its message alone: `TypeError: `. */
function nameOf({ name, message }: Error): string {
  return message === '' || (name !== 'Error' && name !== 'SurprisalError')
    ? `${name}${message === '' ? '' : ': '}`
    : '';
}
