// Mocha's usual lines, and in the file that COUNTS_FILE names the counts of passed and failed tests, by file too, and why each failed.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Mocha.Runner.constants;

/** A pending test counts as failed: nothing is skipped in silence. */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const counts = { passed: 0, failed: 0, pending: [], failures: [], passedIn: {} };
    runner.on(EVENT_TEST_PASS, ({ file }) => {
      counts.passed += 1;
      counts.passedIn[file] = (counts.passedIn[file] ?? 0) + 1;
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      counts.failed += 1;
      const { file } = test;
      counts.failures.push({ file, title: test.fullTitle(), why: String(error?.stack ?? error).slice(0, 2000) });
    });
    runner.on(EVENT_TEST_PENDING, (test) => {
      counts.failed += 1;
      counts.pending.push(test.fullTitle());
    });
    runner.once(EVENT_RUN_END, () => {
      if (process.env.COUNTS_FILE !== undefined) writeFileSync(process.env.COUNTS_FILE, JSON.stringify(counts));
    });
  }
}
