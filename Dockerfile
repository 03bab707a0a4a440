# syntax=docker/dockerfile:1
# Countersign as an image: built with everything, run with the server alone, as a user that owns nothing.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev --no-audit --no-fund
COPY . .
RUN node scripts/build.mjs

FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 COUNTERSIGN_CONFIG=/config
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/package.json ./
COPY --from=build /app/dist dist
# Only the data folder is written to, and only by the embedded database and the mail outbox: the root may be read-only.
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000 9000
# The second port, asked by Node itself, so no other program is needed: it says whether requests are taken (docs/operating/watching.md).
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.WATCH_PORT||9000)+'/health/ready').then(a=>process.exit(a.ok?0:1),()=>process.exit(1))"]
# Node itself is process 1 here and hears SIGTERM: what is under way is finished before the end.
CMD ["node", "dist/src/main.js", "serve"]
