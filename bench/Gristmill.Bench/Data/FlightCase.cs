using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Client;

namespace Gristmill.Bench.Data;

/// <summary>
/// A 1 GB table by Arrow Flight to and from pyarrow: our silo against pyarrow's own C++ Flight server, in turns, with the same client and batches. The
/// median of all rounds counts: one look at a shared machine is a look at its neighbours.
/// </summary>
internal static class FlightCase
{
    private const int Columns = 8;
    private const int BatchRows = 1 << 17;
    private const int Batches = 128;
    private const int Rounds = 3;
    private const int Turns = 3;
    private const string Script = "flight.py";

    public static IEnumerable<BenchCase> Run()
    {
        // Theirs, then ours, and again: what the machine does meanwhile meets both.
        var (ours, theirs) = (new List<JsonElement>(), new List<JsonElement>());
        using var silo = ServerProcess.StartSiloAsync().GetAwaiter().GetResult();
        using var client = new GristmillClient(silo.Url.AbsoluteUri);
        using var flight = client.OpenFlightAsync().GetAwaiter().GetResult();
        var address = client.GetInfoAsync().GetAwaiter().GetResult().Flight!;
        var put = flight.PutAsync(Schema(), Enumerable.Repeat(Batch(), Batches)).GetAwaiter().GetResult();
        var ticket = Convert.ToHexString(flight.GetAsync(put.Id).GetAwaiter().GetResult().Tickets[0].Span);
        string[] shape = [Text(Rounds), Text(BatchRows), Text(Batches)];
        for (var turn = 0; turn < Turns; turn++)
        {
            if (Rivals.Run(Rivals.RayPython, Script, ["theirs", .. shape]) is { } their && Rivals.Run(Rivals.RayPython, Script, ["ours", address, ticket, .. shape]) is { } our)
            {
                theirs.Add(their);
                ours.Add(our);
            }
        }

        flight.DropAsync(put.Id).GetAwaiter().GetResult();
        if (ours.Count == 0)
        {
            yield return new("Flight DoGet of 1 GB to pyarrow", 0, "MB/s", "rival absent", null, ">= 60 % of pyarrow's own server", false);
            yield break;
        }

        foreach (var (name, goal) in new[] { ("get", 0.6), ("put", 0.0) })
        {
            var (our, their) = (Median(ours, name), Median(theirs, name));
            Console.Error.WriteLine(F($"    {name}: ours {string.Join(", ", All(ours, name))} MB/s; theirs {string.Join(", ", All(theirs, name))} MB/s"));
            yield return new(name == "get" ? "Flight DoGet of 1 GB to pyarrow" : "Flight DoPut of 1 GB from pyarrow", our, "MB/s", F($"pyarrow's own Flight server {their:0} MB/s"), our / their,
                goal > 0 ? ">= 60 % of pyarrow's own server" : "told", our / their >= goal);
        }
    }

    private static double Median(List<JsonElement> turns, string name) => turns.SelectMany(turn => Rates(turn, name)).Order().ElementAt(turns.Count * Rounds / 2);

    private static IEnumerable<string> All(List<JsonElement> turns, string name) => turns.SelectMany(turn => Rates(turn, name)).Select(static rate => rate.ToString("0", CultureInfo.InvariantCulture));

    private static IEnumerable<double> Rates(JsonElement turn, string name) => turn.GetProperty(name).EnumerateArray().Select(seconds => turn.GetProperty("bytes").GetInt64() / 1e6 / seconds.GetDouble());

    private static Schema Schema() => new(Enumerable.Range(0, Columns).Select(static i => new Field($"c{i}", DoubleType.Default, false)), null);

    private static RecordBatch Batch()
    {
        var arrays = new IArrowArray[Columns];
        for (var c = 0; c < Columns; c++)
        {
            var memory = new byte[BatchRows * sizeof(double)];
            var values = MemoryMarshal.Cast<byte, double>(memory.AsSpan());
            for (var r = 0; r < BatchRows; r++)
            {
                values[r] = (c + r) & 1023;
            }

            arrays[c] = new DoubleArray(new ArrowBuffer(memory), ArrowBuffer.Empty, BatchRows, 0, 0);
        }

        return new RecordBatch(Schema(), arrays, BatchRows);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
