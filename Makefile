# Short names for common commands. Each target is one command that also works without
# make. CI runs scripts/test.sh.

.DEFAULT_GOAL := help
SHELL := /bin/bash

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: ## Run all checks, as CI does
	./scripts/test.sh

.PHONY: quick
quick: ## Format, vet and test without the race detector
	./scripts/test.sh format vet
	go test ./...

.PHONY: sandbox
sandbox: ## Run the whole product on this machine
	go run ./cmd/sandbox

.PHONY: demo
demo: ## Play a request's journey, and fail unless each step is seen
	go run ./cmd/sandbox demo --data "$$(mktemp -d)" --port 0

.PHONY: golden
golden: ## Regenerate the golden files and the generated pages
	go test ./internal/{config,rbac,lifecycle,store,terraform,catalog,github,view} ./slackapp ./docs -update

.PHONY: build
build: ## Build the three programs into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/...

.PHONY: manifests
manifests: ## Print the example's Kubernetes manifests
	go tool -modfile=tools/go.mod kustomize build manifests/overlays/example
