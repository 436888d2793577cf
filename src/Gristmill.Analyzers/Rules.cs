using Microsoft.CodeAnalysis;

namespace Gristmill.Analyzers;

/// <summary>The diagnostics; docs/analyzers.md explains each. All are errors: the definition would throw the same when it runs.</summary>
internal static class Rules
{
    private const string Stages = "Gristmill.Stages";
    private const string Pipelines = "Gristmill.Pipelines";

    public static readonly DiagnosticDescriptor Captures = Rule("GRM001", Stages, "A stage captures a variable",
        "The stage captures '{0}', which the worker that runs it does not have: pass it as an argument");

    public static readonly DiagnosticDescriptor Instance = Rule("GRM002", Stages, "A stage is an instance method",
        "'{0}' is an instance method, and the worker that runs it has no such object: make it static");

    public static readonly DiagnosticDescriptor Generic = Rule("GRM003", Stages, "A stage is generic",
        "'{0}' has type parameters, so a worker cannot find it by name: call it from a plain static method");

    public static readonly DiagnosticDescriptor Output = Rule("GRM004", Stages, "An output does not fit where it is used",
        "'{0}' is {1}, but {2} takes {3}");

    public static readonly DiagnosticDescriptor Arguments = Rule("GRM005", Stages, "Arguments do not fit the stage's parameters",
        "'{0}' {1}");

    public static readonly DiagnosticDescriptor Json = Rule("GRM006", Stages, "A value cannot be written as JSON",
        "'{0}' is {1}, which JSON cannot carry to the worker");

    public static readonly DiagnosticDescriptor Order = Rule("GRM007", Pipelines, "A stage waits for a later one",
        "'{0}' cannot wait for '{1}', which is defined after it: the pipeline would be a cycle");

    public static readonly DiagnosticDescriptor Name = Rule("GRM008", Pipelines, "A name outside the alphabet",
        "'{0}' is not a name: use letters, digits, '-', '_' and '.', at most 64, starting with a letter or digit");

    public static readonly DiagnosticDescriptor ParameterType = Rule("GRM009", Pipelines, "A parameter of a type that none can have",
        "Parameter '{0}' is {1}: use string, bool, int, long, float, double, DateOnly, DateTime or DateTimeOffset, or an array of text, numbers or dates");

    private static DiagnosticDescriptor Rule(string id, string category, string title, string message) => new(
        id, title, message, category, DiagnosticSeverity.Error, isEnabledByDefault: true,
        helpLinkUri: $"https://github.com/gristmill/gristmill/blob/main/docs/analyzers.md#{id.ToLowerInvariant()}");
}
