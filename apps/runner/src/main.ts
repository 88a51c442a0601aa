import nodeModule from 'node:module';
import { packageVersion } from './package-version.ts';
import { standardStreams } from './streams.ts';

/**
 * The command `surprisal`, from its arguments to its exit code.
 *
 * @param argv  what stands behind the name of the command
 * @returns 0 done; 1 content of a file, or something went wrong; 2 command line, path, existing target; 128 + n ended by
 *   signal n
 *
 * @example
 * process.exitCode = await main(['entropy', 'train.xyz', '--json']);
 */
export async function main(argv: readonly string[]): Promise<number> {
  // Every import costs a millisecond or so, and scripts ask for the version before every run: it waits for nothing else.
  const streams = standardStreams();
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    return streams.print(`${packageVersion}\n`).then(
      () => 0,
      (error: Error) => {
        streams.say('error', error.message);
        return 1;
      },
    );
  }
  // Node 22 and newer keep what they compiled in the temporary folder (NODE_DISABLE_COMPILE_CACHE=1 turns that off).
  (nodeModule as { readonly enableCompileCache?: () => unknown }).enableCompileCache?.();
  const { runCommandLine } = await import('./run-command-line.ts');
  return runCommandLine(argv, streams);
}
