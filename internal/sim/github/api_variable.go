package github

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// A person with write access to a repository can read and write its variables. The App needs the
// permission "variables", which TfPilot's App does not have.
var variableRoutes = []route{
	{pattern: "POST /repos/{owner}/{repo}/actions/variables", scope: "variables", handle: (*Server).createVariable},
}

// variable is a repository variable. Its key is its name, in any case.
type variable struct {
	Value     string    `json:"value"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

const (
	maxVariables     = 500
	maxVariableValue = 48 << 10
)

var variableName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

func newVariables(values map[string]string, at time.Time) map[string]variable {
	all := map[string]variable{}
	for name, value := range values {
		all[strings.ToUpper(name)] = variable{Value: value, CreatedAt: at, UpdatedAt: at}
	}
	return all
}

// vars returns the values for the contexts of a run.
func (r *repository) vars() map[string]string {
	values := map[string]string{}
	for name, v := range r.Variables {
		values[name] = v.Value
	}
	return values
}

type variableBody struct {
	Name  *string `json:"name"`
	Value *string `json:"value"`
}

func (s *Server) createVariable(c *call) (reply, error) {
	var in variableBody
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if in.Name == nil || in.Value == nil {
		return reply{}, unprocessable("Invalid request.\n\n\"name\" and \"value\" must be supplied.")
	}
	if len(c.repo.Variables) >= maxVariables {
		return reply{}, unprocessable("Maximum number of variables exceeded")
	}
	now := time.Now()
	return c.setVariable(*in.Name, variable{Value: *in.Value, CreatedAt: now, UpdatedAt: now}, created)
}

// setVariable stores a variable under an unused name.
func (c *call) setVariable(name string, v variable, answer func(any) (reply, error)) (reply, error) {
	name = strings.ToUpper(name)
	_, taken := c.repo.Variables[name]
	switch {
	case !variableName.MatchString(name) || strings.HasPrefix(name, "GITHUB_"):
		return reply{}, unprocessable("Variable name is invalid")
	case len(v.Value) > maxVariableValue:
		return reply{}, unprocessable("Variable value is too long")
	case taken:
		return reply{}, fail(http.StatusConflict, "Already exists - Variable already exists")
	}
	c.repo.Variables[name] = v
	return answer(obj{})
}
