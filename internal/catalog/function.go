package catalog

import (
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	yaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// A module states rules about its variables in validation blocks, in Terraform's own language.
// The form evaluates them while a person fills it in, so that a mistake is reported in seconds
// and not by a plan minutes later. That is only useful if both agree: a form that accepts what
// the plan refuses wastes a run, and a form that refuses what the plan accepts blocks a valid
// request.
//
// Terraform's functions are internal to Terraform and cannot be imported. Most are the functions
// of go-cty's standard library, which Terraform uses too. The others differ in details that rules
// depend on, and are written again here and in function_*.go. testdata/expressions.txt holds the
// cases that a test compares with the real terraform console.

// TerraformVersion is the version that runs use. The catalog evaluates expressions as that
// version does (see functions and evaluateBothSides); a test compares them with the real
// Terraform.
const TerraformVersion = "1.11.4"

// functions lists Terraform's pure functions, with its names and results. Functions that depend
// on files, time or randomness are missing: only a plan can evaluate a rule that calls them.
var functions = withCoreNames(map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc,
	"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc,
	"signum": signumFunc,
	"sum":    sumFunc,

	"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc,
	"indent": stdlib.IndentFunc,
	"join":   stdlib.JoinFunc, "lower": stdlib.LowerFunc, "upper": stdlib.UpperFunc, "title": stdlib.TitleFunc,
	"regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "replace": replaceFunc, "split": stdlib.SplitFunc,
	"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "trim": stdlib.TrimFunc,
	"trimprefix": stdlib.TrimPrefixFunc,
	"trimsuffix": stdlib.TrimSuffixFunc, "trimspace": stdlib.TrimSpaceFunc,
	"startswith":  textTest(strings.HasPrefix),
	"endswith":    textTest(strings.HasSuffix),
	"strcontains": textTest(strings.Contains),

	"alltrue": fold(true), "anytrue": fold(false),
	"chunklist": stdlib.ChunklistFunc, "coalesce": coalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
	"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": containsFunc, "distinct": stdlib.DistinctFunc,
	"element": elementFunc, "flatten": stdlib.FlattenFunc, "index": indexFunc, "keys": stdlib.KeysFunc,
	"length": lengthFunc, "lookup": lookupFunc, "matchkeys": matchKeysFunc, "merge": stdlib.MergeFunc, "one": oneFunc,
	"range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc,
	"setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc,
	"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "transpose": transposeFunc, "values": stdlib.ValuesFunc,
	"zipmap": stdlib.ZipmapFunc,

	"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
	"yamldecode": yaml.YAMLDecodeFunc, "yamlencode": yaml.YAMLEncodeFunc, "urlencode": urlEncodeFunc,
	"base64decode": base64DecodeFunc, "base64encode": base64EncodeFunc,
	"textdecodebase64": textDecodeFunc, "textencodebase64": textEncodeFunc,
	"md5": hashFunc(hexMD5), "sha1": hashFunc(hexSHA1), "sha256": hashFunc(hexSHA256), "sha512": hashFunc(hexSHA512),
	"base64sha256": hashFunc(base64SHA256), "base64sha512": hashFunc(base64SHA512), "uuidv5": uuidV5Func,
	"basename": pathFunc(path.Base), "dirname": pathFunc(path.Dir),

	"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc, "timecmp": timeCompareFunc,
	"cidrhost": cidrHostFunc, "cidrnetmask": cidrNetmaskFunc, "cidrsubnet": cidrSubnetFunc, "cidrsubnets": cidrSubnetsFunc,

	"sensitive": markFunc(sensitiveMark), "nonsensitive": nonsensitiveFunc, "issensitive": isSensitiveFunc,
	"ephemeralasnull": ephemeralAsNullFunc,

	"can": tryfunc.CanFunc, "try": tryfunc.TryFunc,
	"tobool":   stdlib.MakeToFunc(cty.Bool),
	"tonumber": stdlib.MakeToFunc(cty.Number),
	"tostring": stdlib.MakeToFunc(cty.String),
	"tolist":   stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
	"tomap":    stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	"toset":    stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
})

// withCoreNames adds the qualified name of each function, as Terraform does: core::length is
// length.
func withCoreNames(short map[string]function.Function) map[string]function.Function {
	all := make(map[string]function.Function, 2*len(short))
	for name, f := range short {
		all[name], all["core::"+name] = f, f
	}
	return all
}

// textTest makes startswith, endswith and strcontains. The parameters take no null and no unknown
// value, so Call reports an error or returns an unknown before Impl runs.
func textTest(test func(text, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(test(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// fold implements alltrue and anytrue. Without items, alltrue is true and anytrue is false.
func fold(all bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			unknown := false
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				switch {
				case !v.IsKnown():
					unknown = true
				// A null makes alltrue false, but does not make anytrue true.
				case v.IsNull() || v.True() != all:
					if all || !v.IsNull() {
						return cty.BoolVal(!all), nil
					}
				}
			}
			if unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(all), nil
		},
	})
}

// stricter returns a function that rejects some arguments, as an older Terraform does.
func stricter(f function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := check(args); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

// containsFunc exists for its parameters: the function of the standard library accepts null.
var containsFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("list"), anyParam("value")}, // neither may be null
	Type:   function.StaticReturnType(cty.Bool),
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return stdlib.Contains(args[0], args[1]) },
})

// elementFunc rejects a negative index into a tuple, as TerraformVersion does; the library in use
// is newer and accepts it.
var elementFunc = stricter(stdlib.ElementFunc, func(args []cty.Value) error {
	if args[0].Type().IsTupleType() && args[1].IsKnown() && args[1].LessThan(cty.Zero).True() {
		return function.NewArgErrorf(1, "cannot use element function with a negative index")
	}
	return nil
})

// signumFunc takes only whole numbers, as Terraform's own implementation does: signum(0.5) is an
// error there.
var signumFunc = stricter(stdlib.SignumFunc, func(args []cty.Value) error {
	if !args[0].IsKnown() {
		return nil
	}
	_, err := smallNumber(0, args[0])
	return err
})

// lengthFunc counts grapheme clusters in a string, as Terraform does and stdlib does not.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		switch typ := args[0].Type(); {
		case typ == cty.String:
			return stdlib.Strlen(args[0])
		case typ.IsObjectType():
			return cty.NumberIntVal(int64(len(typ.AttributeTypes()))), nil
		}
		return stdlib.Length(args[0])
	},
})

// replaceFunc treats a pattern between slashes as a regular expression, as Terraform does.
var replaceFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "part", Type: cty.String},
		{Name: "with", Type: cty.String}},
	Type: function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		part := args[1].AsString()
		if len(part) > 1 && strings.HasPrefix(part, "/") && strings.HasSuffix(part, "/") {
			return stdlib.RegexReplace(args[0], cty.StringVal(part[1:len(part)-1]), args[2])
		}
		return stdlib.Replace(args[0], args[1], args[2])
	},
})
