using System.Collections.Immutable;

namespace Gristmill;

/// <summary>What kind of thing a stage output is.</summary>
public enum ArtifactKind
{
    /// <summary>An Arrow table in the object store.</summary>
    Dataset = 0,
    /// <summary>A model package in the content store.</summary>
    Model = 1,
    /// <summary>Named numbers.</summary>
    Metrics = 2,
    /// <summary>A text, number, truth value, record or list: JSON.</summary>
    Value = 3,
    /// <summary>A file in the content store.</summary>
    File = 4,
    /// <summary>The outputs of one stage of a loop, an item each.</summary>
    Collection = 5,
}

/// <summary>One output of a stage: a reference, or a few numbers, never data.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.Artifact")]
public sealed record Artifact
{
    /// <summary>Which of the properties below is set.</summary>
    [Id(0)] public required ArtifactKind Kind { get; init; }
    /// <summary>The table, for <see cref="ArtifactKind.Dataset"/>.</summary>
    [Id(1)] public ObjectRef? Dataset { get; init; }
    /// <summary>The model package, for <see cref="ArtifactKind.Model"/>.</summary>
    [Id(2)] public ModelRef? Model { get; init; }
    /// <summary>The numbers, for <see cref="ArtifactKind.Metrics"/>.</summary>
    [Id(3)] public ImmutableDictionary<string, double>? Metrics { get; init; }
    /// <summary>The value, for <see cref="ArtifactKind.Value"/>.</summary>
    [Id(4)] public ValueRef? Value { get; init; }
    /// <summary>The file, for <see cref="ArtifactKind.File"/>.</summary>
    [Id(5)] public FileRef? File { get; init; }
    /// <summary>Which outputs, for <see cref="ArtifactKind.Collection"/>.</summary>
    [Id(6)] public CollectionRef? Collection { get; init; }

    /// <summary>A dataset artifact.</summary>
    public static Artifact Of(ObjectRef dataset) => new() { Kind = ArtifactKind.Dataset, Dataset = dataset };
    /// <summary>A model artifact.</summary>
    public static Artifact Of(ModelRef model) => new() { Kind = ArtifactKind.Model, Model = model };
    /// <summary>A value artifact.</summary>
    public static Artifact Of(ValueRef value) => new() { Kind = ArtifactKind.Value, Value = value };
    /// <summary>A file artifact.</summary>
    public static Artifact Of(FileRef file) => new() { Kind = ArtifactKind.File, File = file };
    /// <summary>A collection artifact.</summary>
    public static Artifact Of(CollectionRef collection) => new() { Kind = ArtifactKind.Collection, Collection = collection };
    /// <summary>A metrics artifact.</summary>
    public static Artifact Of(ImmutableDictionary<string, double> metrics) => new() { Kind = ArtifactKind.Metrics, Metrics = metrics };
}

/// <summary>Names a model package: a folder of the content store with a manifest and the model in an open format.</summary>
/// <param name="Digest">SHA-256 over the package's files, 64 hexadecimal digits: the name in the content store.</param>
/// <param name="Engine">The engine that can load it: "torch", "lightgbm", "mlnet", "onnx".</param>
/// <param name="Bytes">Size of the package in bytes.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ModelRef")]
public sealed record ModelRef(
    [property: Id(0)] string Digest,
    [property: Id(1)] string Engine,
    [property: Id(2)] long Bytes);

/// <summary>Names a folder of user assemblies in the content store.</summary>
/// <param name="Digest">SHA-256 over the assemblies, 64 hexadecimal digits.</param>
/// <param name="EntryAssembly">File name of the assembly that holds the pipeline, such as "pipeline.dll".</param>
[GenerateSerializer, Immutable, Alias("gristmill.CodeRef")]
public sealed record CodeRef([property: Id(0)] string Digest, [property: Id(1)] string EntryAssembly);
