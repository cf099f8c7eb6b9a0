// Command manifestcheck reads rendered Kubernetes manifests on standard input and checks each document
// against the typed object of its API version. It reports an unknown kind, an unknown or repeated
// field, a value of another type, a reference to nothing, and a container with more rights than it
// needs. It owns no manifests; kustomize renders them.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	n, err := check(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "manifestcheck:", err)
		os.Exit(1)
	}
	fmt.Printf("%d documents fit their schema\n", n)
}

// check reads all documents and returns their number.
func check(in io.Reader) (int, error) {
	decode, err := decoder()
	if err != nil {
		return 0, err
	}
	var all []runtime.Object
	var faults []error
	docs := yaml.NewYAMLReader(bufio.NewReader(in))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("read: %w", err)
		}
		if len(bytes.TrimSpace(doc)) == 0 {
			continue
		}
		object, err := decode(doc)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all = append(all, object)
	}
	if len(all) == 0 && len(faults) == 0 {
		return 0, errors.New("there are no documents")
	}
	return len(all), errors.Join(append(faults, relations(all)...)...)
}

// decoder decodes the kinds that the manifests use, and refuses all others.
func decoder() (func([]byte) (runtime.Object, error), error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	return func(doc []byte) (runtime.Object, error) {
		object, _, err := strict.Decode(doc, nil, nil)
		return object, err
	}, nil
}
