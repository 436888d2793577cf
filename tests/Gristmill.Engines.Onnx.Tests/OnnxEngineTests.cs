namespace Gristmill.Engines.Onnx;

[Collection("ONNX")]
public sealed class OnnxEngineTests : IDisposable
{
    private readonly OnnxHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_file_is_packaged_as_it_stands()
    {
        var bytes = OnnxModels.Logistic([1, 2, 3], 0);
        var model = await _host.Import(bytes);
        Assert.Equal("onnx", model.Engine);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(_host.Content.GetPath(model.Digest), "model.onnx")));
        using (var exported = _host.Models.ExportOnnx(model))
        using (var copy = new MemoryStream())
        {
            await exported.CopyToAsync(copy, TestContext.Current.CancellationToken);
            Assert.Equal(bytes, copy.ToArray());
        }

        var manifest = _host.Models.ReadManifest(model);
        Assert.Equal(ModelTask.Tensor, manifest.Task);
        var input = Assert.Single(manifest.Inputs);
        Assert.Equal(("x", ColumnType.Tensor), (input.Name, input.Type));
        Assert.Equal([3L], input.Shape!.Value);
        Assert.Equal(("y", ColumnType.Number), (manifest.Outputs[0].Name, manifest.Outputs[0].Type));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(150)]
    public async Task A_malformed_file_is_model_format(int length)
    {
        var bytes = OnnxModels.Logistic([1, 2, 3], 0);
        var error = await Assert.ThrowsAsync<GristmillException>(() => _host.Import(bytes[..Math.Min(length, bytes.Length - 40)]));
        Assert.Equal(ErrorCodes.ModelFormat, error.Code);
        Assert.Empty(Directory.EnumerateFiles(_host.Content.Root, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Wrong_options_are_named()
    {
        var bytes = OnnxModels.Logistic([1, 2, 3], 0);
        Assert.Equal(ErrorCodes.FileNotFound, (await Assert.ThrowsAsync<GristmillException>(() => _host.Import(bytes, new { path = "nope.onnx" }))).Code);
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => _host.Import(bytes, new { columns = (string[])["a", "b"] }))).Code);
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => _host.Import(bytes, new { task = "binary", score = "z" }))).Code);
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => _host.Import(bytes, new { task = "multiclass" }))).Code);
    }
}
