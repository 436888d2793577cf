using System.Collections.Frozen;
using Gristmill.Engines;
using Gristmill.Engines.MLNet;
using Gristmill.Engines.Onnx;
using Gristmill.Engines.Sql;
using Gristmill.Engines.Torch;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>
/// The engines by name, made when first needed: an engine's assembly and native libraries load with its first operation or
/// model, so an idle worker or silo stays small. To add an engine: one line in the table of stages and, if it has models,
/// one in the table of models, each a lambda of its own.
/// </summary>
public sealed class EngineCatalog
{
    private readonly FrozenDictionary<string, Lazy<IStageEngine>> _stages;
    private readonly IReadOnlyList<LazyModelEngine> _models;

    /// <summary>Creates a catalogue with all built-in engines; loads none. Models whose code is a user's need one with a content store.</summary>
    public EngineCatalog() : this(content: null!)
    {
    }

    /// <summary>Creates a catalogue with all built-in engines; loads none.</summary>
    /// <param name="content">Where the code of users' own models is.</param>
    public EngineCatalog(ContentStore content) : this(new Dictionary<string, Func<IStageEngine>>
    {
        ["code"] = static () => new CodeEngine(),
        ["core"] = static () => new CoreEngine(),
        ["sql"] = static () => new SqlEngine(),
        ["lightgbm"] = static () => new LightGbmEngine(),
        ["mlnet"] = static () => new MLNetEngine(),
        ["onnx"] = static () => new OnnxEngine(),
        ["torch"] = static () => new TorchEngine(),
    }, new Dictionary<string, Func<IModelEngine>>
    {
        ["lightgbm"] = static () => new LightGbmModelEngine(),
        ["mlnet"] = static () => new MLNetModelEngine(),
        ["onnx"] = static () => new OnnxModelEngine(),
        ["torch"] = () => new TorchModelEngine(new UserTypes(content).Find),
    })
    {
    }

    /// <summary>Creates a catalogue of the given engines.</summary>
    /// <param name="stages">What makes the engine of the operations that start with "KEY.".</param>
    /// <param name="models">What makes the engine of the models whose manifest names KEY.</param>
    public EngineCatalog(IReadOnlyDictionary<string, Func<IStageEngine>> stages, IReadOnlyDictionary<string, Func<IModelEngine>> models)
    {
        ArgumentNullException.ThrowIfNull(stages);
        ArgumentNullException.ThrowIfNull(models);
        _stages = stages.ToFrozenDictionary(s => s.Key, s => new Lazy<IStageEngine>(s.Value), StringComparer.Ordinal);
        _models = [.. models.Select(m => new LazyModelEngine(m.Key, m.Value))];
    }

    /// <summary>The engines of models, for a <see cref="ModelLoader"/>; each loads with its first model.</summary>
    public IReadOnlyList<IModelEngine> Models => _models;

    /// <summary>Names of the engines loaded so far.</summary>
    public IEnumerable<string> Loaded =>
        _stages.Where(s => s.Value.IsValueCreated).Select(s => s.Key).Union(_models.Where(m => m.IsLoaded).Select(m => m.Name));

    /// <summary>Finds the engine of an operation, and loads it if need be.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: there is no such operation. <see cref="ErrorCodes.NativeLibrary"/>: the engine cannot be loaded here.</exception>
    public IStageEngine Find(string operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        var dot = operation.IndexOf('.', StringComparison.Ordinal);
        if (dot <= 0 || !_stages.TryGetValue(operation[..dot], out var engine))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"There is no operation '{operation}'.",
                $"Operations are ENGINE.VERB; the engines are {string.Join(", ", _stages.Keys.Order(StringComparer.Ordinal))}.")
                .With("operation", operation);
        }

        var found = engine.Value;
        return found.Operations.ContainsKey(operation)
            ? found
            : throw new GristmillException(ErrorCodes.Invalid, $"There is no operation '{operation}'.",
                $"This engine has {string.Join(", ", found.Operations.Keys.Order(StringComparer.Ordinal))}.").With("operation", operation);
    }

    /// <summary>Stands for an engine of models until its first model comes.</summary>
    private sealed class LazyModelEngine(string name, Func<IModelEngine> create) : IModelEngine
    {
        private readonly Lazy<IModelEngine> _engine = new(create);

        public string Name => name;

        public bool IsLoaded => _engine.IsValueCreated;

        public IPredictor Load(string folder, ModelManifest manifest, int threads) => _engine.Value.Load(folder, manifest, threads);

        public Stream ExportOnnx(string folder, ModelManifest manifest) => _engine.Value.ExportOnnx(folder, manifest);
    }
}
