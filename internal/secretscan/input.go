package secretscan

import (
	"fmt"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// CheckInput rejects a text with a credential or an invisible character. Every text that a
// person types or a model returns passes through it, on every surface. The error completes a
// sentence that starts with the name of the field.
func CheckInput(typed string, shape invisible.Shape) error {
	if err := invisible.Check(typed, shape); err != nil {
		return err
	}
	if what, found := Credential(typed); found {
		return refusal(what)
	}
	return nil
}

// CheckPair rejects a value whose name suggests a credential.
func CheckPair(name, value string) error {
	if Name(name) && HoldsSecret(name, value) {
		return refusal("the value of " + name)
	}
	return nil
}

func refusal(what string) error {
	return fmt.Errorf("looks like it holds %s. Remove it, and replace it if it is real; name where the secret is kept "+
		"instead", what)
}

// Credential returns the kind of credential in a text, such as "a GitHub token", or "" if there
// is none.
func Credential(typed string) (what string, found bool) {
	spans := (*Scanner)(nil).Find(typed)
	if len(spans) == 0 {
		return "", false
	}
	return spans[0].What, true
}
