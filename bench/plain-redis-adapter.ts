// The second control's adapter: written as oidc-provider's own example does it, on plain Redis, without our improvements.
import type { Redis } from 'ioredis';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

const CONSUMABLE = new Set(['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'BackchannelAuthenticationRequest']);
const GRANTABLE = new Set(['AccessToken', ...CONSUMABLE]);

const grantKey = (grantId: string) => `grant:${grantId}`;
const uidKey = (uid: string) => `uid:${uid}`;

/** One adapter per model, all on one connection. */
export function plainRedisAdapter(redis: Redis): AdapterFactory {
  return (model) => new PlainRedisAdapter(model, redis);
}

class PlainRedisAdapter implements Adapter {
  readonly #model: string;
  readonly #redis: Redis;

  constructor(model: string, redis: Redis) {
    this.#model = model;
    this.#redis = redis;
  }

  #key(id: string): string {
    return `oidc:${this.#model}:${id}`;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const key = this.#key(id);
    const multi = this.#redis.multi();
    if (CONSUMABLE.has(this.#model)) multi.hset(key, { payload: JSON.stringify(payload) });
    else multi.set(key, JSON.stringify(payload));
    if (expiresIn) multi.expire(key, expiresIn);
    if (GRANTABLE.has(this.#model) && payload.grantId) {
      multi.rpush(grantKey(payload.grantId), key);
      // The example keeps the longer of both times to live; this costs a read before the write.
      const left = await this.#redis.ttl(grantKey(payload.grantId));
      if (expiresIn > left) multi.expire(grantKey(payload.grantId), expiresIn);
    }
    if (payload.uid) {
      multi.set(uidKey(payload.uid), id);
      multi.expire(uidKey(payload.uid), expiresIn);
    }
    await multi.exec();
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    if (!CONSUMABLE.has(this.#model)) {
      const text = await this.#redis.get(this.#key(id));
      return text === null ? undefined : (JSON.parse(text) as AdapterPayload);
    }
    const { payload, consumed } = await this.#redis.hgetall(this.#key(id));
    if (payload === undefined) return undefined;
    return { ...(JSON.parse(payload) as AdapterPayload), ...(consumed === undefined ? {} : { consumed }) };
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const id = await this.#redis.get(uidKey(uid));
    return id === null ? undefined : this.find(id);
  }

  /** Device codes are off in the bench. */
  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async consume(id: string): Promise<void> {
    await this.#redis.hset(this.#key(id), { consumed: Math.floor(Date.now() / 1000) });
  }

  async destroy(id: string): Promise<void> {
    await this.#redis.del(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    const keys = await this.#redis.lrange(grantKey(grantId), 0, -1);
    await this.#redis.del(grantKey(grantId), ...keys);
  }
}
