# The image of `tfpilot app` and `tfpilot worker`: the binary, certificates, no shell.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=0.1.0-dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /tfpilot ./cmd/tfpilot

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /tfpilot /usr/local/bin/tfpilot
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/tfpilot"]
