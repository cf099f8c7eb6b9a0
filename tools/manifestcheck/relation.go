package main

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// objectIndex lists what references can point to.
type objectIndex struct {
	pods     []corev1.PodTemplateSpec
	names    map[string]bool // "Kind/name"
	provided map[string]bool // created by an operator, see external
}

// external lists objects that the manifests use but do not contain: the operator creates the secrets.
var external = map[string]bool{"Secret/tfpilot": true}

// relations returns the faults between documents.
func relations(all []runtime.Object) (faults []error) {
	w := objectIndex{names: map[string]bool{}, provided: external}
	for _, o := range all {
		kind := o.GetObjectKind().GroupVersionKind().Kind
		if named, ok := o.(metav1.Object); ok {
			if w.names[kind+"/"+named.GetName()] {
				faults = append(faults, fmt.Errorf("%s %s is there twice", kind, named.GetName()))
			}
			w.names[kind+"/"+named.GetName()] = true
		}
		if d, ok := o.(*appsv1.Deployment); ok {
			w.pods = append(w.pods, d.Spec.Template)
		}
	}
	for _, o := range all {
		faults = append(faults, w.examine(o)...)
	}
	return faults
}

func (w objectIndex) examine(o runtime.Object) []error {
	switch v := o.(type) {
	case *appsv1.Deployment:
		return w.deployment(v)
	case *batchv1.CronJob:
		return w.pod("CronJob "+v.Name, v.Spec.JobTemplate.Spec.Template.Spec, false)
	case *corev1.Service:
		return w.service(v)
	case *policyv1.PodDisruptionBudget:
		return w.selects("PodDisruptionBudget "+v.Name, v.Spec.Selector)
	case *networkingv1.NetworkPolicy:
		return w.selects("NetworkPolicy "+v.Name, &v.Spec.PodSelector)
	case *networkingv1.Ingress:
		return w.ingress(v)
	default:
		return nil
	}
}

// selects requires a selector that matches at least one pod.
func (w objectIndex) selects(who string, selector *metav1.LabelSelector) []error {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return []error{fmt.Errorf("%s: %w", who, err)}
	}
	if len(w.selected(s)) == 0 {
		return []error{fmt.Errorf("%s selects no pod: %s", who, s)}
	}
	return nil
}

func (w objectIndex) selected(s labels.Selector) (pods []corev1.PodTemplateSpec) {
	for _, p := range w.pods {
		if s.Matches(labels.Set(p.Labels)) {
			pods = append(pods, p)
		}
	}
	return pods
}

// service requires every port to lead to a port that a selected container names.
func (w objectIndex) service(s *corev1.Service) (faults []error) {
	pods := w.selected(labels.SelectorFromSet(s.Spec.Selector))
	if len(pods) == 0 {
		return []error{fmt.Errorf("service %s selects no pod", s.Name)}
	}
	for _, port := range s.Spec.Ports {
		for _, pod := range pods {
			if !offers(pod, port.TargetPort.String()) {
				faults = append(faults, fmt.Errorf("service %s: no container names its port %s", s.Name, port.TargetPort.String()))
			}
		}
	}
	return faults
}

// ingress requires every path to lead to a Service.
func (w objectIndex) ingress(i *networkingv1.Ingress) (faults []error) {
	for _, rule := range i.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, p := range rule.HTTP.Paths {
			if s := p.Backend.Service; s == nil || !w.names["Service/"+s.Name] {
				faults = append(faults, fmt.Errorf("ingress %s: path %s leads to no Service", i.Name, p.Path))
			}
		}
	}
	return faults
}

func offers(pod corev1.PodTemplateSpec, port string) bool {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == port {
				return true
			}
		}
	}
	return false
}

func (w objectIndex) deployment(d *appsv1.Deployment) (faults []error) {
	who := "Deployment " + d.Name
	s, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil || !s.Matches(labels.Set(d.Spec.Template.Labels)) {
		faults = append(faults, fmt.Errorf("%s does not select its own pods", who))
	}
	return append(faults, w.pod(who, d.Spec.Template.Spec, true)...)
}

// pod requires that what a pod refers to exists, and least privilege. A pod that serves needs probes.
func (w objectIndex) pod(who string, pod corev1.PodSpec, serves bool) (faults []error) {
	for _, name := range w.references(pod) {
		if !w.names[name] && !w.provided[name] {
			faults = append(faults, fmt.Errorf("%s uses %s, which is not there", who, name))
		}
	}
	if pod.SecurityContext == nil || pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot {
		faults = append(faults, fmt.Errorf("%s may run as root", who))
	}
	for _, c := range pod.Containers {
		faults = append(faults, container(who, c)...)
		if serves && (c.LivenessProbe == nil || c.ReadinessProbe == nil) {
			faults = append(faults, fmt.Errorf("%s, container %s: it lacks a probe", who, c.Name))
		}
	}
	return faults
}

// references lists the objects that a pod needs to start, as "Kind/name".
func (w objectIndex) references(pod corev1.PodSpec) (names []string) {
	if pod.ServiceAccountName != "" {
		names = append(names, "ServiceAccount/"+pod.ServiceAccountName)
	}
	for _, v := range pod.Volumes {
		if v.ConfigMap != nil {
			names = append(names, "ConfigMap/"+v.ConfigMap.Name)
		}
		if v.Secret != nil {
			names = append(names, "Secret/"+v.Secret.SecretName)
		}
	}
	for _, c := range pod.Containers {
		for _, v := range c.Env {
			if v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil {
				names = append(names, "Secret/"+v.ValueFrom.SecretKeyRef.Name)
			}
		}
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef != nil {
				names = append(names, "ConfigMap/"+from.ConfigMapRef.Name)
			}
			if from.SecretRef != nil {
				names = append(names, "Secret/"+from.SecretRef.Name)
			}
		}
	}
	return names
}

// container requires least privilege and resource limits.
func container(who string, c corev1.Container) (faults []error) {
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s, container %s: %s", who, c.Name, fmt.Sprintf(format, args...)))
	}
	s := c.SecurityContext
	if s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
		fault("its root file system is writable")
	}
	if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		fault("it may gain privileges")
	}
	if s == nil || s.Capabilities == nil || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
		fault("it keeps capabilities")
	}
	if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
		fault("its memory has no request or no limit")
	}
	mounts := map[string]bool{}
	for _, m := range c.VolumeMounts {
		if mounts[m.MountPath] {
			fault("%s is mounted twice", m.MountPath)
		}
		mounts[m.MountPath] = true
	}
	return faults
}
