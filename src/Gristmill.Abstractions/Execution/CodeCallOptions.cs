using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill;

/// <summary>
/// Options of <see cref="StageOperations.Code"/> ("code.call"): a call of a user's static method or non-capturing lambda.
/// In JSON, names are camelCase: <c>{"type":"Flights","method":"TrainMlp","arguments":{"epochs":4}}</c>.
/// </summary>
/// <remarks>
/// <para>
/// The method is a static method of any visibility, or an instance method of a compiler-generated closure class without
/// captures (<c>Type</c> is then <c>delegate.Method.DeclaringType.FullName</c>, such as <c>"Program+&lt;&gt;c"</c>). It is not generic.
/// </para>
/// <para>
/// Parameters are bound in this order of rules: <c>StageContext</c>, <c>ExitStatus</c>, <c>CancellationToken</c> and
/// <c>IProgress&lt;StageProgress&gt;</c> by type; <c>Dataset</c>, <c>ObjectLease</c>, <c>ObjectRef</c>, <c>ModelInput</c>, <c>ModelRef</c> and
/// <c>ImmutableDictionary&lt;string,double&gt;</c> (metrics), <c>FileInput</c>, <c>FileRef</c>, <c>FileInfo</c>, the type of a value, and lists of all
/// these (of a loop's items; elements that can be null stand for skipped ones) from the stage input that has the parameter's name; anything else from
/// <see cref="Arguments"/> by the parameter's name, as JSON: string, bool, integers, floats, decimal, DateOnly, TimeOnly, DateTime,
/// DateTimeOffset, TimeSpan, Guid, enums (as names, in any case), arrays, dictionaries, records. A parameter that is in neither takes its
/// C# default, or null where it is nullable. An input or argument that no parameter takes is an error.
/// </para>
/// <para>
/// Results become outputs: <c>void</c> none; <c>ObjectRef</c>, <c>Dataset</c>, <c>RecordBatch</c>, sequences of <c>RecordBatch</c> and <c>DataFlow</c> a dataset (batches
/// that do not lie in a segment yet are copied into one, and counted as copied); <c>ModelRef</c> a model; a number a metric called
/// "value"; a dictionary of numbers or any record or class whose public properties are numbers, metrics by property name in camelCase;
/// <c>FileRef</c> and <c>FileInfo</c> a file; text, dates, lists and any other record or class a value, at most 1 MiB of JSON;
/// <c>StageOutputs</c> and <c>Artifact</c> as they are; a tuple one output an element. <c>Task</c> and <c>ValueTask</c> of these are awaited. One dataset or model is called "out",
/// metrics "metrics"; the elements of a tuple "item1", "item2" and so on; <see cref="Outputs"/> gives other names.
/// </para>
/// </remarks>
public sealed record CodeCallOptions
{
    /// <summary>Simple name of the assembly that holds the type, such as "pipeline".</summary>
    /// <value>null: the entry assembly of the request's <see cref="CodeRef"/>, else of the running program.</value>
    public string? Assembly { get; init; }

    /// <summary>Reflection name of the type, as in <see cref="System.Type.FullName"/>: nested types with '+'.</summary>
    public required string Type { get; init; }

    /// <summary>Name of the method, as in <see cref="System.Reflection.MemberInfo.Name"/>.</summary>
    public required string Method { get; init; }

    /// <summary>Full names of the parameters' types, to pick one of several overloads.</summary>
    /// <value>null: the method has no overloads.</value>
    public ImmutableArray<string>? Signature { get; init; }

    /// <summary>Values by parameter name.</summary>
    public ImmutableDictionary<string, JsonElement> Arguments { get; init; } = ImmutableDictionary<string, JsonElement>.Empty;

    /// <summary>Names of the outputs in order, one a tuple element or one for a single result.</summary>
    /// <value>null: the default names.</value>
    public ImmutableArray<string>? Outputs { get; init; }
}
