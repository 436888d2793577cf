using System.Collections.Immutable;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Gristmill.Grains.Runs;

public sealed class StageViewSizeTests
{
    private static readonly Serializer<ImmutableArray<StageView>> s_serializer =
        new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer<ImmutableArray<StageView>>>();

    [Fact]
    public void An_estimate_is_never_less_than_what_a_message_takes_and_not_ten_times_as_much()
    {
        var text = Gen.String[0, 200];
        var metrics = Gen.Select(Gen.String[1, 60], Gen.Double).Array[0, 30].Select(static pairs =>
            pairs.DistinctBy(static p => p.Item1).ToImmutableDictionary(static p => p.Item1, static p => p.Item2));
        var artifact = Gen.OneOf(
            metrics.Select(Artifact.Of),
            Gen.Select(text, text).Select(static (a, b) => Artifact.Of(new ObjectRef(a, b, long.MaxValue, long.MaxValue, a))),
            text.Select(static t => Artifact.Of(new ModelRef(t, t, long.MaxValue))),
            text.Select(static t => Artifact.Of(new ValueRef { Json = t, Bytes = int.MaxValue, Count = int.MaxValue, Stage = t, Output = t })),
            text.Select(static t => Artifact.Of(new FileRef(t, t, long.MaxValue))));
        var view = Gen.Select(text, metrics, Gen.Select(Gen.String[1, 30], artifact).Array[0, 5], text.Array[0, 64], Gen.Bool).Select(static (t, m, outputs, names, full) => new StageView
        {
            Name = t,
            Operation = t,
            Status = StageStatus.Cancelled,
            Attempts = int.MaxValue,
            Reason = full ? t : null,
            Outputs = outputs.DistinctBy(static o => o.Item1).ToImmutableDictionary(static o => o.Item1, static o => o.Item2),
            DependsOn = [.. names],
            Usage = full ? new StageUsage { WallMs = 0.1, CpuMs = 0.1, Rows = long.MaxValue, BytesOut = long.MaxValue, BytesCopied = long.MaxValue, PeakRss = long.MaxValue } : null,
            Progress = full ? new StageProgress(0.3, t) { Metrics = m } : null,
            Error = full ? new ErrorInfo(t, t, t).Error(t) : null,
            Started = DateTimeOffset.MaxValue,
            Ended = DateTimeOffset.MaxValue,
        });

        view.Array[1, 10].Sample(static views =>
        {
            var actual = s_serializer.SerializeToArray([.. views]).Length;
            var estimate = views.Sum(StageViewSize.Of) + 64;
            Assert.True(actual <= estimate, $"{actual} bytes, estimated {estimate}");
            Assert.True(estimate <= 10 * actual, $"{actual} bytes, estimated {estimate}");
        }, iter: 2_000);
    }
}

file static class Errors
{
    public static ErrorInfo Error(this ErrorInfo error, string text) => error with { Details = error.Details.SetItem(text, text) };
}
