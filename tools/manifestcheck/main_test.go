package main

import (
	"strings"
	"testing"
)

const good = `apiVersion: v1
kind: ServiceAccount
metadata: {name: tfpilot}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      serviceAccountName: tfpilot
      securityContext: {runAsNonRoot: true}
      containers:
        - name: worker
          image: tfpilot:1
          envFrom: [{secretRef: {name: tfpilot}}]
          ports: [{name: admin, containerPort: 9090}]
          livenessProbe: {httpGet: {path: /healthz, port: admin}}
          readinessProbe: {httpGet: {path: /readyz, port: admin}}
          resources: {requests: {memory: 64Mi}, limits: {memory: 256Mi}}
          securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
---
apiVersion: v1
kind: Service
metadata: {name: worker}
spec:
  selector: {app: worker}
  ports: [{name: admin, port: 9090, targetPort: admin}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: worker}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: worker}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: way-in}
spec: {rules: [{http: {paths: [{path: /, pathType: Exact, backend: {service: {name: worker, port: {name: admin}}}}]}}]}
`

func TestGoodManifests(t *testing.T) {
	if n, err := check(strings.NewReader(good)); err != nil || n != 5 {
		t.Fatalf("%d documents: %v", n, err)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"kind: ServiceAccount", "kind: ServiceAcount", "no kind \"ServiceAcount\""},
		{"apiVersion: policy/v1", "apiVersion: policy/v1beta9", "policy/v1beta9"},
		{"maxUnavailable", "maxUnavailble", "unknown field \"spec.maxUnavailble\""},
		{"readOnlyRootFilesystem: true, ", "", "root file system is writable"},
		{"readOnlyRootFilesystem", "readonlyRootFilesystem", "unknown field"},
		{"containerPort: 9090", "containerPort: http", "containerPort"},
		{"runAsNonRoot: true", "runAsNonRoot: false", "may run as root"},
		{"allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "may gain privileges"},
		{"drop: [ALL]", "drop: [NET_RAW]", "keeps capabilities"},
		{"limits: {memory: 256Mi}", "limits: {cpu: 1}", "no limit"},
		{"          readinessProbe: {httpGet: {path: /readyz, port: admin}}\n", "", "lacks a probe"},
		{"serviceAccountName: tfpilot", "serviceAccountName: other", "ServiceAccount/other, which is not there"},
		{"secretRef: {name: tfpilot}", "secretRef: {name: other}", "Secret/other, which is not there"},
		{"targetPort: admin", "targetPort: http", "no container names its port http"},
		{"selector: {matchLabels: {app: worker}}}", "selector: {matchLabels: {app: wrker}}}", "selects no pod"},
		{"labels: {app: worker}", "labels: {app: other}", "does not select its own pods"},
		{"---\n", "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: tfpilot}\n---\n", "is there twice"},
		{"service: {name: worker", "service: {name: other", "leads to no Service"},
		{good, "", "no documents"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if text == good {
			t.Fatalf("%q is not in the manifests", c.old)
		}
		if _, err := check(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.new, err, c.want)
		}
	}
}
