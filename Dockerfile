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

# `docker build --target demo`: the demo service of compose.yaml. It is a service like any other, so it has an image of its own.
FROM node:24-bookworm-slim AS demo
ENV NODE_ENV=production HOST=0.0.0.0 DEMO_PORT=3001
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
# The client library is none of the server's packages.
COPY --from=build /app/node_modules/openid-client node_modules/openid-client
COPY --from=build /app/node_modules/oauth4webapi node_modules/oauth4webapi
COPY --from=build /app/package.json ./
COPY --from=build /app/dist dist
USER node
EXPOSE 3001
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.DEMO_PORT||3001)+'/').then(a=>process.exit(a.ok?0:1),()=>process.exit(1))"]
CMD ["node", "dist/examples/demo-service/main.js"]

# The last stage is what `docker build` makes.
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
