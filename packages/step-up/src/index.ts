// Everything that does not depend on a framework; the adapters stand in `/koa`, `/express`, `/fastify` and `/fetch`.
export type { AccessToken } from './access-token.ts';
export { tokenOf } from './access-token.ts';
export type { IncomingRequest, Refusal } from './answer.ts';
export type { Certificate } from './certificate.ts';
export { certificateFromHeader } from './certificate.ts';
export type { IntrospectionOptions } from './introspection.ts';
export type { LevelDeclaration } from './levels.ts';
export { COUNTERSIGN_LEVELS } from './levels.ts';
export type { DPoPOptions, ResourceServerOptions } from './options.ts';
export type { AuthorizationParameters, StepUpChallenge } from './read-challenge.ts';
export { authorizationParameters, parseChallenge } from './read-challenge.ts';
export type { ReplayStore } from './replay.ts';
export { MemoryReplayStore } from './replay.ts';
export type { Requirement } from './requirement.ts';
export type { Guard, Verdict } from './resource-server.ts';
export { ResourceServer } from './resource-server.ts';
