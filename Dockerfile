# The image of temporal-vacuum: a worker and every command, not run as root. docs/deploy.md says how to use it.
# Temporal's native library needs glibc, so the base is Debian and not Alpine.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY test/support/node/package.json test/support/node/
RUN npm ci
COPY . .
RUN npm run build
# What remains are the dependencies and the peers of the package, fastify included, in the versions of the lockfile.
RUN npm pkg delete devDependencies peerDependenciesMeta workspaces allowScripts && npm prune

FROM node:24-bookworm-slim
ENV NODE_ENV=production
# A vacuum.config.ts that is mounted here imports temporal-vacuum and MikroORM from node_modules.
WORKDIR /vacuum
COPY --from=build /build/node_modules ./node_modules
COPY package.json README.md LICENSE CHANGELOG.md ./node_modules/temporal-vacuum/
COPY --from=build /build/dist ./node_modules/temporal-vacuum/dist
RUN ln -s /vacuum/node_modules/temporal-vacuum/dist/worker/cli/main.js /usr/local/bin/temporal-vacuum \
  && chmod +x /vacuum/node_modules/temporal-vacuum/dist/worker/cli/main.js
# A number, because Kubernetes cannot see that a named user is not root. It is user node of the base image.
USER 1000:1000
EXPOSE 8089
# Only a worker with --http on port 8089 serves it. Other commands end before it matters.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8089/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["temporal-vacuum"]
CMD ["worker", "--http", "127.0.0.1:8089"]
