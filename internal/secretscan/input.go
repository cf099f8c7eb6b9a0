package secretscan

import (
	"fmt"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// CheckInput refuses a typed text that holds a credential or a character that a reader cannot
// see. Every text that a person or a model returns passes it, on every surface. The error
// continues a sentence that begins with the name of the field.
func CheckInput(typed string, shape invisible.Shape) error {
	if err := invisible.Check(typed, shape); err != nil {
		return err
	}
	if what, found := Credential(typed); found {
		return refusal(what)
	}
	return nil
}

// CheckPair refuses a typed value whose name suggests a credential.
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

// Credential says what kind of credential a text holds, such as "a GitHub token".
func Credential(typed string) (what string, found bool) {
	spans := (*Scanner)(nil).Find(typed)
	if len(spans) == 0 {
		return "", false
	}
	return spans[0].What, true
}
