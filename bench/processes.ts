// What the system's own books say about processes: CPU time and memory. Linux only, as /proc is.
import { readdirSync, readFileSync } from 'node:fs';

/** CPU milliseconds used since their start. */
export interface Usage {
  server: number;
  postgres: number;
  redis: number;
}

/** `USER_HZ` is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** The fields of /proc/PID/stat after the name, which may itself hold spaces and brackets. */
function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** CPU time of a process and of its children that have ended, in milliseconds (proc(5): utime, stime, cutime, cstime). */
export function cpuOf(pid: number): number {
  const fields = stat(pid);
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) * TICK_MS;
}

/** CPU time of a process with every living child: PostgreSQL has one for each connection. */
export function cpuOfFamily(pid: number): number {
  return cpuOf(pid) + childrenOf(pid).reduce((sum, child) => sum + cpuOf(child), 0);
}

/** Resident memory of a process with every living child, in MB: pages that they share are counted for each. */
export function memoryOfFamily(pid: number): number {
  return memoryOf(pid) + childrenOf(pid).reduce((sum, child) => sum + memoryOf(child), 0);
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return Number(stat(pid)[1]) === parent;
      } catch {
        // It ended while we looked.
        return false;
      }
    });
}

/** Resident memory of a process in MB. */
export function memoryOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) / 1024;
}
