# The image of `tfpilot app` and `tfpilot worker`: the programs, certificates, no shell. The digest decides which base image is
# used; the tag says what it is. Renew both together.
FROM --platform=$BUILDPLATFORM golang:1.26.4-bookworm@sha256:b305420a68d0f229d91eb3b3ed9e519fcf2cf5461da4bef997bf927e8c0bfd2b AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=0.1.0-dev
RUN mkdir /programs && for program in tfpilot tfpilot-ci; do \
      CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
        go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o "/programs/$program" "./cmd/$program" || exit 1; \
    done

FROM gcr.io/distroless/static-debian12:nonroot@sha256:d093aa3e30dbadd3efe1310db061a14da60299baff8450a17fe0ccc514a16639
COPY --from=build /programs/ /usr/local/bin/
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/tfpilot"]
