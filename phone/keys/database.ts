// The phone's own database: a thin promise over IndexedDB, which can keep keys that no script can read out.

/** The object stores: one record per account, one per enrolment under way, and a few single values. */
export type StoreName = 'accounts' | 'drafts' | 'values';

const NAME = 'countersign';
const VERSION = 1;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the database refused'));
  });
}

/** An open database. */
export interface Database {
  get<T>(store: StoreName, key: string): Promise<T | undefined>;
  all<T>(store: StoreName): Promise<T[]>;
  put(store: StoreName, value: unknown, key?: string): Promise<void>;
  delete(store: StoreName, key: string): Promise<void>;
  /** Reads, changes and writes one record in one transaction: atomic over tabs. Undefined where there is none. */
  change<T>(store: StoreName, key: string, change: (value: T) => T): Promise<T | undefined>;
}

/** Opens the database, making it where it is not there. @throws DOMException where the browser keeps nothing (some private modes). */
export async function openDatabase(): Promise<Database> {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('accounts', { keyPath: 'device' });
    request.result.createObjectStore('drafts', { keyPath: 'id' });
    request.result.createObjectStore('values');
  };
  const database = await done(request);
  // A newer version of the app in another tab must not wait for this one for ever.
  database.onversionchange = () => database.close();
  return over(database);
}

function over(database: IDBDatabase): Database {
  /** Success is told only when the transaction is on the disk: a counter that was not kept must not be used. */
  async function write<T>(store: StoreName, work: (objects: IDBObjectStore) => Promise<T>): Promise<T> {
    const transaction = database.transaction(store, 'readwrite', { durability: 'strict' });
    const complete = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('the database refused'));
    });
    complete.catch(() => undefined);
    const result = await work(transaction.objectStore(store));
    await complete;
    return result;
  }
  const read = (store: StoreName) => database.transaction(store, 'readonly').objectStore(store);
  return {
    get: (store, key) => done(read(store).get(key)),
    all: (store) => done(read(store).getAll()),
    put: (store, value, key) =>
      write(store, async (objects) => {
        await done(key === undefined ? objects.put(value) : objects.put(value, key));
      }),
    delete: (store, key) => write(store, (objects) => done(objects.delete(key))),
    change: <T>(store: StoreName, key: string, change: (value: T) => T) =>
      write(store, async (objects) => {
        const found = (await done(objects.get(key))) as T | undefined;
        if (found === undefined) return undefined;
        const next = change(found);
        await done(objects.put(next));
        return next;
      }),
  };
}
