import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import { type ProcessOptions, runSurprisal } from './surprisal-process.ts';

const schema = JSON.parse(await readFile(new URL('../schema/result.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true }).addSchema(schema, 'results');

/** Holds a document against the schema that ships with the command. */
export function checkDocument(document: unknown): void {
  // That of the command first, whose complaints are few.
  const { command } = document as { readonly command: string };
  for (const name of [`results#/$defs/${command}`, 'results']) {
    const validate = ajv.getSchema(name);
    if (validate === undefined) throw new Error(`the schema does not describe ${command}`);
    const problems = validate(document) ? [] : validate.errors;
    expect(problems).toEqual([]);
  }
}

/** What is said of sets as small as most in these tests, and as like one another; tests of it look for it themselves. */
const OF_SMALL_SETS = /^surprisal: warning: [^\n]*(?:undersampled:|sets share environments)[^\n]*\n/gm;

/**
 * Runs a command with `--json`: one document on standard output, as the schema says, and nothing on standard error, but that
 * a set is undersampled, or shares environments with another.
 */
export async function runJson<T>(args: readonly string[], options: ProcessOptions = {}): Promise<T> {
  const { code, stdout, stderr } = await runSurprisal([...args, '--json'], options);
  expect({ code, stderr: stderr.replaceAll(OF_SMALL_SETS, '') }).toEqual({ code: 0, stderr: '' });
  const document: unknown = JSON.parse(stdout);
  checkDocument(document);
  return document as T;
}

/** Runs a command that must fail: one sentence on standard error, nothing on standard output. */
export async function runRefused(args: readonly string[], code: number, options: ProcessOptions = {}): Promise<string> {
  const result = await runSurprisal(args, options);
  expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
  expect(result.stderr).toMatch(/^surprisal: error: [^\n]+\n$/);
  return result.stderr;
}
