package intake

import "testing"

func TestSuggestionsAreValidAndLimitedToTheInput(t *testing.T) {
	for _, c := range []struct{ module, values, field, want string }{
		{"s3-bucket", `{"name":"Acme_Builds 2026"}`, "name", "acme-builds-2026"},
		{"s3-bucket", `{"name":"../../x"}`, "name", ""},
		{"cloudwatch-log-group", `{"name":"acme","retention_days":8}`, "retention_days", "7"},
		{"ec2-instance", `{"name":"acme","instance_type":"t3.smal"}`, "instance_type", "t3.small"},
		{"s3-bucket", `{"name":"acme-x","expire_days":-5}`, "expire_days", ""},
	} {
		items, err := readAnswer(entry(c.module, "core dev/app", c.values))
		if err != nil {
			t.Fatal(err)
		}
		s := turn(t, "in core dev/app")
		d := s.apply(items).Drafts[0]
		if len(d.Unclear) != 1 || d.Unclear[0].Field != c.field || d.Unclear[0].Suggest != c.want {
			t.Errorf("%s: %+v, want %q", c.values, d.Unclear, c.want)
			continue
		}
		used, ok := s.Use(d, c.field)
		if ok != (c.want != "") {
			t.Errorf("%s: used %v", c.values, ok)
		}
		if got := used.Inputs[c.field]; ok && (got == nil || len(used.Inputs) != len(d.Inputs)+1 || len(used.Unclear) > 0) {
			t.Errorf("%s: %+v", c.values, used)
		}
		if _, ok := s.Use(d, "tags"); ok {
			t.Error("a field without a suggestion changed")
		}
	}
}
