namespace Gristmill;

/// <summary>The pipeline over <see cref="Parcels"/> that trains models of one's own.</summary>
internal static class OwnModels
{
    public static Pipeline Pipeline(string csv) => Gristmill.Pipeline.Create("parcels", p =>
    {
        var epochs = p.Parameter("epochs", 60);
        var raw = p.Read.Csv(csv);
        var rows = p.Sql($"select carrier, cast(distance as float) as distance, cast(weight as float) as weight, late from {raw}");
        Model net = p.Run(OwnStages.TrainNet, rows, epochs);
        Model chain = p.Run(OwnStages.TrainChain, rows);
        var best = p.Best(Metric.Auc, over: rows, among: [net, chain]);
        p.Register("parcel-net", net, when: best.Score > 0.7);
        p.Register("parcel-chain", chain, when: best.Score > 0.7);
    });
}
