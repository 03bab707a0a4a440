// The contract of State, held by both implementations; redis-cluster.test.ts holds a cluster to it.
import { holdStateTo } from './state-contract.ts';
import { STATES } from './stores.ts';

for (const { name, open } of STATES) holdStateTo(name, open);
