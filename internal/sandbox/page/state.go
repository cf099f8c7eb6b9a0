package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// masked replaces a value in a state that Terraform marks as sensitive.
const masked = "(sensitive)"

// tfstate is the part of a Terraform state that the page reads.
type tfstate struct {
	Serial    int64                      `json:"serial"`
	Lineage   string                     `json:"lineage"`
	Version   string                     `json:"terraform_version"`
	Outputs   map[string]json.RawMessage `json:"outputs"`
	Resources []tfresource               `json:"resources"`
}

type tfresource struct {
	Module    string       `json:"module"`
	Mode      string       `json:"mode"`
	Type      string       `json:"type"`
	Name      string       `json:"name"`
	Instances []tfinstance `json:"instances"`
}

type tfinstance struct {
	IndexKey   any               `json:"index_key"`
	Attributes map[string]any    `json:"attributes"`
	Sensitive  []json.RawMessage `json:"sensitive_attributes"`
}

// Resource is one object in a state.
type Resource struct {
	Address    string         `json:"address"`
	Type       string         `json:"type"`
	Attributes map[string]any `json:"attributes"`
}

// State is one Terraform state, with sensitive values masked.
type State struct {
	Key       string     `json:"key"`
	Bytes     int        `json:"bytes"`
	UpdatedAt time.Time  `json:"updatedAt"`
	Serial    int64      `json:"serial"`
	Version   string     `json:"version"`
	Locked    bool       `json:"locked"`
	Resources []Resource `json:"resources"`
	Problem   string     `json:"problem,omitempty"`
}

const (
	lockSuffix = ".tflock"
	maxStates  = 100
)

// states lists the states with their resources, without attributes.
func (v *viewer) states(w http.ResponseWriter, _ *http.Request) {
	list := []State{}
	locked := map[string]bool{}
	for _, o := range v.box.S3.Keys(v.stateBucket, "") {
		if key, isLock := strings.CutSuffix(o.Key, lockSuffix); isLock {
			locked[key] = true
			continue
		}
		if len(list) == maxStates {
			continue
		}
		raw, _ := v.box.S3.Read(v.stateBucket, o.Key)
		st := readState(raw)
		st.Key, st.Bytes, st.UpdatedAt = o.Key, o.Size, o.LastModified
		for i := range st.Resources {
			st.Resources[i].Attributes = nil
		}
		list = append(list, st)
	}
	for i := range list {
		list[i].Locked = locked[list[i].Key]
	}
	answer(w, http.StatusOK, map[string]any{"bucket": v.stateBucket, "states": list})
}

func (v *viewer) state(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	raw, ok := v.box.S3.Read(v.stateBucket, key)
	if !ok {
		problem(w, http.StatusNotFound, "unknown_state", "state not found: "+key)
		return
	}
	st := readState(raw)
	st.Key, st.Bytes = key, len(raw)
	_, st.Locked = v.box.S3.Read(v.stateBucket, key+lockSuffix)
	answer(w, http.StatusOK, st)
}

func readState(raw []byte) State {
	var tf tfstate
	if err := json.Unmarshal(raw, &tf); err != nil {
		return State{Problem: "This is not a valid Terraform state: " + err.Error(), Resources: []Resource{}}
	}
	st := State{Serial: tf.Serial, Version: tf.Version, Resources: []Resource{}}
	for _, r := range tf.Resources {
		for _, i := range r.Instances {
			i.mask()
			st.Resources = append(st.Resources, Resource{r.address(i.IndexKey), r.Type, i.Attributes})
		}
	}
	return st
}

func (r tfresource) address(index any) string {
	address := r.Type + "." + r.Name
	if r.Mode == "data" {
		address = "data." + address
	}
	if r.Module != "" {
		address = r.Module + "." + address
	}
	switch k := index.(type) {
	case string:
		address += fmt.Sprintf("[%q]", k)
	case float64:
		address += fmt.Sprintf("[%d]", int(k))
	}
	return address
}

// mask hides every attribute that a sensitive path enters. Hiding too much does less harm than showing
// too much.
func (i tfinstance) mask() {
	for _, path := range i.Sensitive {
		var steps []struct{ Value any }
		if json.Unmarshal(path, &steps) != nil || len(steps) == 0 {
			continue
		}
		if name, ok := steps[0].Value.(string); ok && i.Attributes[name] != nil {
			i.Attributes[name] = masked
		}
	}
}
