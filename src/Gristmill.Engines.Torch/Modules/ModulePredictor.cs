using System.Runtime.InteropServices;
using Gristmill.Engines.Torch.Interop;
using static TorchSharp.torch;

namespace Gristmill.Engines.Torch;

/// <summary>Scores with a user's module. One call at a time: a module may keep state between layers.</summary>
internal sealed class ModulePredictor : MatrixPredictorBase
{
    private readonly nn.Module<Tensor, Tensor> _module;
    private readonly int _threads;
    private readonly Lock _gate = new();
    private bool _disposed;

    private ModulePredictor(ModelManifest manifest, FeatureEncoder encoder, nn.Module<Tensor, Tensor> module, int threads)
        : base(manifest, encoder)
    {
        _module = module;
        _threads = threads;
    }

    /// <summary>Constructs the module and gives it its state.</summary>
    public static ModulePredictor Load(string folder, ModelManifest manifest, int threads, Func<string, CodeRef?, Type?> resolveType)
    {
        var encoder = LoadEncoder(folder, manifest);
        var name = Setting(manifest, TorchModels.TypeSetting);
        var code = manifest.Settings.TryGetValue(TorchModels.CodeDigestSetting, out var digest)
            ? new CodeRef(digest, Setting(manifest, TorchModels.CodeAssemblySetting))
            : null;
        var type = resolveType(name, code) ?? throw new GristmillException(ErrorCodes.CodeLoad, $"The module's type {name} is not to be found.",
            "Deploy the model where its code package is.").With("type", name);
        TorchRuntime.EnsureLoaded();
        var module = ModuleFactory.Create(type, Setting(manifest, TorchModels.ArgumentsSetting));
        try
        {
            StateFile.Load(module, Path.Combine(folder, MlpWeights.FileName));
            module.eval();
            return new ModulePredictor(manifest, encoder, module, threads);
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Score(ReadOnlySpan<float> features, int rows, Span<float> scores)
    {
        if (rows == 0)
        {
            return;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            TorchRuntime.SetThreads(_threads);
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            try
            {
                var outputs = ForeignTensors.Lend(features, rows, Encoder.Width, m => _module.call(m).to(ScalarType.Float32).contiguous());
                if (outputs.shape.Length is not (1 or 2) || outputs.shape[0] != rows || outputs.numel() != scores.Length)
                {
                    throw new GristmillException(ErrorCodes.StageFailed,
                        $"The module gave [{string.Join(", ", outputs.shape)}] for {rows} rows, where [{rows}, {ScoresPerRow}] was due.",
                        "Give one row of logits a row.");
                }

                ForeignTensors.AsSpan<float>(outputs).CopyTo(scores);
            }
            catch (ExternalException e)
            {
                throw TorchErrors.Of(e.Message, e);
            }
        }

        Activation.Apply(Manifest.Task, scores, ScoresPerRow);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _disposed = true;
                _module.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private static string Setting(ModelManifest manifest, string name) => manifest.Settings.TryGetValue(name, out var value)
        ? value
        : throw new GristmillException(ErrorCodes.ModelFormat, $"The package's manifest has no setting '{name}'.", "Save the module again.");
}
