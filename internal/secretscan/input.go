package secretscan

import (
	"fmt"

	"github.com/tfpilot/tfpilot/internal/text"
)

// CheckInput refuses a typed text that holds a credential or a character that a reader cannot see. Every text that a person or a
// model gives passes it, on every surface. The error continues a sentence that begins with the name of the field.
func CheckInput(typed string, shape text.Shape) error {
	if err := text.Check(typed, shape); err != nil {
		return err
	}
	if what, found := Credential(typed); found {
		return fmt.Errorf("looks like it holds %s; remove it, and replace it where it is used if it is real: "+
			"TfPilot keeps what you type in git and Slack. Give the name of where the secret is kept instead", what)
	}
	return nil
}

// Credential says what kind of credential a text holds, such as "a GitHub token".
func Credential(typed string) (what string, found bool) {
	spans := (*Scanner)(nil).Find(typed)
	if len(spans) == 0 {
		return "", false
	}
	return spans[0].What, true
}
