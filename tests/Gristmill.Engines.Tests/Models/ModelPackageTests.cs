using System.Collections.Immutable;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class ModelPackageTests
{
    private static readonly FeatureEncoder Encoder = Fit(Of(("x", Doubles(1, 2)), ("o", Strings("a", "b"))), null,
        Spec(TransformKind.Standardise, "x"), Spec(TransformKind.Category, "o"));

    [Fact]
    public void A_package_is_loaded_with_what_was_put_in()
    {
        using var stores = new TestStores(new TestEngine());
        var model = TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late");
        Assert.Equal("test", model.Engine);
        var manifest = stores.Models.ReadManifest(model);
        Assert.Equal(["features.json", "model.txt"], manifest.Files.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(Encoder.Inputs, manifest.Inputs);
        using var predictor = Assert.IsAssignableFrom<IMatrixPredictor>(stores.Models.Load(model));
        Assert.Equal(Encoder.Save(), predictor.Encoder.Save());
        Assert.Equal(Encoder.Save(), stores.Models.LoadEncoder(model).Save());

        // The same model has one digest, whatever process packs it.
        Assert.Equal(model, TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late"));
    }

    [Fact]
    public void A_changed_or_missing_file_is_named()
    {
        using var stores = new TestStores(new TestEngine());
        var missing = Assert.Throws<GristmillException>(() => stores.Models.Load(Changed(stores, folder => File.Delete(Path.Combine(folder, "model.txt")))));
        Assert.Equal(ErrorCodes.ModelFormat, missing.Code);
        Assert.Equal("model.txt", missing.Error.Details["file"]);
        var changed = Assert.Throws<GristmillException>(() => stores.Models.Load(Changed(stores, folder => File.WriteAllText(Path.Combine(folder, "model.txt"), "sign 2"))));
        Assert.Equal(ErrorCodes.ModelFormat, changed.Code);
        Assert.Contains("was changed", changed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_engines_and_digests_are_refused()
    {
        using var stores = new TestStores(new TestEngine());
        var model = TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late", engine: "caffe");
        var error = Assert.Throws<GristmillException>(() => stores.Models.Load(model));
        Assert.Equal(ErrorCodes.ModelFormat, error.Code);
        Assert.Contains("'caffe'", error.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.NotFound, Assert.Throws<GristmillException>(() => stores.Models.Load(model with { Digest = new string('0', 64) })).Code);
    }

    [Fact]
    public void An_engine_without_an_export_says_so()
    {
        using var stores = new TestStores(new TestEngine());
        var error = Assert.Throws<GristmillException>(() => stores.Models.ExportOnnx(TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late")));
        Assert.Equal((ErrorCodes.NotExportable, "test"), (error.Code, error.Error.Details["engine"]));

        // A file that was changed is no model, whoever asks.
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() =>
            stores.Models.ExportOnnx(Changed(stores, folder => File.WriteAllText(Path.Combine(folder, "model.txt"), "sign 2")))).Code);
    }

    [Fact]
    public void Disposing_without_committing_leaves_nothing()
    {
        using var stores = new TestStores();
        string folder;
        using (var package = ModelPackage.Create(stores.Content))
        {
            folder = package.Folder;
            File.WriteAllText(Path.Combine(folder, "half"), "");
        }

        Assert.False(Directory.Exists(folder));
    }

    [Theory]
    [InlineData("\"format\": 1", "\"format\": 2", "format 2")]
    [InlineData("\"engine\": \"test\"", "\"engine\": \"../test\"", "engine")]
    [InlineData("\"task\": \"binary\"", "\"task\": \"magic\"", "task")]
    [InlineData("\"name\": \"o\"", "\"name\": \"x\"", "twice")]
    [InlineData("\"model.txt\":", "\"../model.txt\":", "../model.txt")]
    [InlineData("\"model.txt\":", "\"/etc/passwd\":", "/etc/passwd")]
    [InlineData("\"features\": \"features.json\"", "\"features\": \"other.json\"", "other.json")]
    [InlineData("\"classes\": []", "\"classes\": [\"a\"]", "1 classes")]
    [InlineData("\"classes\": []", "\"classes\": null", "")]
    [InlineData("\"engine\":", "\"engin\":", "engin")]
    [InlineData("{", "[", "")]
    public void Malformed_manifests_are_refused(string part, string with, string named)
    {
        using var stores = new TestStores(new TestEngine());
        var model = Changed(stores, folder =>
        {
            var path = Path.Combine(folder, ModelPackage.ManifestFile);
            var text = File.ReadAllText(path);
            var at = text.IndexOf(part, StringComparison.Ordinal);
            Assert.True(at >= 0, text);
            File.WriteAllText(path, string.Concat(text.AsSpan(0, at), with, text.AsSpan(at + part.Length)));
        });
        var error = Assert.Throws<GristmillException>(() => stores.Models.Load(model));
        Assert.Equal(ErrorCodes.ModelFormat, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_manifest_that_could_not_be_loaded_is_not_written()
    {
        using var stores = new TestStores();
        using var package = ModelPackage.Create(stores.Content);
        var error = Assert.Throws<GristmillException>(() => package.Commit(new ModelManifest
        {
            Engine = "test",
            Task = ModelTask.Regression,
            Inputs = [],
            Outputs = [],
            Metrics = ImmutableDictionary<string, double>.Empty.Add("rmse", double.NaN),
        }));
        Assert.Equal(ErrorCodes.ModelFormat, error.Code);
        Assert.Contains("rmse", error.Message, StringComparison.Ordinal);
    }

    // A package made from a good one, with something changed in it.
    private static ModelRef Changed(TestStores stores, Action<string> change)
    {
        var folder = stores.Content.Stage();
        var source = stores.Content.GetPath(TestEngine.Package(stores.Content, Encoder, ModelTask.Binary, "late").Digest);
        foreach (var file in Directory.EnumerateFiles(source))
        {
            File.WriteAllBytes(Path.Combine(folder, Path.GetFileName(file)), File.ReadAllBytes(file));
        }

        change(folder);
        var (digest, bytes) = stores.Content.Commit(folder);
        return new ModelRef(digest, "test", bytes);
    }
}
