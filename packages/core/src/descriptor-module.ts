import type { Descriptor } from './descriptor.ts';

/** What a schema says about one value: the value as the program takes it, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong. */
export interface SchemaIssue {
  readonly message: string;
  /** Where, from the outside in; absent or empty where it concerns the whole. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * A schema that validates a value: the part of the public Standard Schema interface, version 1, that is needed here. Schemas of
 * valibot, zod and arktype have it, and one by hand is a few lines.
 *
 * @see https://standardschema.dev
 */
export interface OptionsSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    /** The library that made it. */
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

/** A descriptor that has to be told something first. */
export interface DescriptorFactory<Options = unknown> {
  /** What `create` takes. Where nothing was given, `{}` is validated. */
  readonly options: OptionsSchema<Options>;
  /** @param options  what the schema made of those that were given */
  create(options: Options): Descriptor | Promise<Descriptor>;
}

/**
 * The default export of a module that brings a descriptor along: the descriptor itself, or how to make one from options.
 *
 * @example
 * // mine.mjs, for `surprisal entropy data.xyz --descriptor ./mine.mjs`
 * export default { name: 'mine', columns: 1, cutoff: 4, parameters: {}, async compute(structures, context) { … } };
 */
export type DescriptorModule<Options = unknown> = Descriptor | DescriptorFactory<Options>;
