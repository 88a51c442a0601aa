/** All checks beside the tests; exits 1 if one fails. */
import { runChecks } from './run-checks.mjs';

const results = await runChecks();
if (results.some(({ code }) => code !== 0)) process.exitCode = 1;
